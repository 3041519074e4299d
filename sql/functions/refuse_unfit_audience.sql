-- SM031 to SM033 with a sentence where a SELECT is no audience; else its columns and planned cost: sms.refuse_unsafe_select,
-- and it yields what an audience must.
create or replace function sms.refuse_unfit_audience(p_query text)
    returns table (columns text[], planned_cost double precision)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _parsed record;
    _most double precision := (select s.value::double precision from sms.setting as s where s.setting = 'audience_max_cost');
    _name text;
begin
    select p.* into _parsed from sms.refuse_unsafe_select(p_query) as p;
    planned_cost := _parsed.planned_cost;
    select c.name into _name from unnest(array['client_id', 'phone']) as c (name) where c.name <> all (_parsed.columns);
    if found then
        raise exception 'the SELECT has no column %', _name using errcode = 'SM032',
            hint = 'It yields client_id and phone, optionally time_zone, and columns that templates use as variables.';
    end if;
    select c.name || ' is of type ' || c.type into _name
      from unnest(_parsed.columns, _parsed.types) as c (name, type)
     where c.name = 'client_id' and c.type <> all ('{int2,int4,int8}'::regtype[])
        or c.name = 'phone' and c.type <> all ('{text,varchar,int8,numeric}'::regtype[])
        or c.name = 'time_zone' and c.type <> all ('{text,varchar,name}'::regtype[]);
    if found then
        raise exception 'the column %', _name using errcode = 'SM032',
            hint = 'client_id is a whole number, phone a text or a number, time_zone a text.';
    end if;
    if cardinality(_parsed.columns) > 50 then
        raise exception 'the SELECT has % columns, more than 50', cardinality(_parsed.columns) using errcode = 'SM032',
            hint = 'Yield only what templates use.';
    end if;
    if planned_cost > _most then
        raise exception 'the SELECT would cost % by the plan, more than %', round(planned_cost), round(_most)
            using errcode = 'SM033',
                  hint = 'Narrow it or look at its EXPLAIN; an operator may raise the setting audience_max_cost.';
    end if;
    columns := _parsed.columns;
    return next;
end
$$;
comment on function sms.refuse_unfit_audience is 'Error SM031 to SM033 where a SELECT is no audience; else its columns and planned cost.';
revoke execute on function sms.refuse_unfit_audience from public;
