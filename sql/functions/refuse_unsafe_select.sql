-- SM031 with a sentence where a SELECT of people is not safe to run; else its columns with types, and its planned cost.
-- Relations: what sms_analyst may read, no system catalogs, nothing temporary. Functions: nothing that could do more than
-- compute: not volatile, not security definer except ours. Both, and types, only of authors an analyst cannot be: a view or
-- a domain of one's own would call whatever it likes. For audiences and goals.
create or replace function sms.refuse_unsafe_select(p_query text)
    returns table (columns text[], types regtype[], planned_cost double precision)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _parsed record;
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
    columns := _parsed.columns;
    types := _parsed.types;
    return next;
end
$$;
comment on function sms.refuse_unsafe_select is 'Error SM031 where a SELECT is not safe to run with an analyst''s rights; else its columns and planned cost.';
revoke execute on function sms.refuse_unsafe_select from public;
