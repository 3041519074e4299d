-- SM031 to SM033 with a sentence where a SELECT is no audience; else its columns and planned cost.
-- Relations: what sms_analyst may read, no system catalogs, nothing temporary. Functions: nothing that could do more than
-- compute: not volatile, not security definer except ours. Both, and types, only of authors an analyst cannot be: a view or
-- a domain of one's own would call whatever it likes.
create or replace function sms.refuse_unfit_audience(p_query text)
    returns table (columns text[], planned_cost double precision)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _parsed record;
    _most double precision := (select s.value::double precision from sms.setting as s where s.setting = 'audience_max_cost');
    _name text;
begin
    perform sms.refuse_open_schema();
    planned_cost := sms.plan_audience(p_query);
    select p.* into _parsed from sms.parse_audience(p_query) as p;

    if _parsed.locks then
        raise exception 'the SELECT locks rows' using errcode = 'SM031', hint = 'Leave out FOR UPDATE and FOR SHARE.';
    end if;
    select r.oid::regclass::text into _name
      from unnest(_parsed.relations) as x (oid)
      join pg_class as r on r.oid = x.oid
      join pg_namespace as n on n.oid = r.relnamespace
     where n.nspname ~ '^(pg_|information_schema$)' or not has_any_column_privilege('sms_analyst', r.oid, 'select')
        or not sms.is_trusted_author(r.relowner)
     limit 1;
    if found then
        raise exception 'audiences may not read %', _name using errcode = 'SM031',
            hint = 'They read what sms_analyst may: erp.client, erp.action, geo.…, sms.message; no system catalogs, no tables of one''s own.';
    end if;
    select f.oid::regprocedure::text || ', ' || f.problem into _name
      from sms.audience_functions(_parsed.functions) as f
     where f.problem is not null
     limit 1;
    if found then
        raise exception 'audiences may not call %', _name using errcode = 'SM031',
            hint = 'They only compute: no writing, waiting, locking, settings or files.';
    end if;
    select t.oid::regtype::text into _name
      from unnest(_parsed.kinds) as k (oid)
      join pg_type as t on t.oid = k.oid
     where not sms.is_trusted_author(t.typowner)
     limit 1;
    if found then
        raise exception 'audiences may not use the type %, whose author is not known', _name using errcode = 'SM031';
    end if;

    select c.name into _name from unnest(array['client_id', 'phone']) as c (name) where c.name <> all (_parsed.columns);
    if found then
        raise exception 'the SELECT has no column %', _name using errcode = 'SM032',
            hint = 'It yields client_id and phone, optionally time_zone, and columns that templates use as variables.';
    end if;
    select c.name || ' is of type ' || c.type into _name
      from unnest(_parsed.columns, _parsed.types) as c (name, type)
     where c.name = 'client_id' and c.type::text not in ('smallint', 'integer', 'bigint')
        or c.name = 'phone' and c.type::text not in ('text', 'character varying', 'bigint', 'numeric')
        or c.name = 'time_zone' and c.type::text not in ('text', 'character varying', 'name');
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
