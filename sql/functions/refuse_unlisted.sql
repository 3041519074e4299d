-- SM031 where a parsed SELECT is made of anything that is not allowed: relations by the rights of sms_audience and a known
-- author, no catalogs, nothing temporary; functions, types and parts of the statement by their lists; no locks on rows.
create or replace function sms.refuse_unlisted(
    p_relations oid[], p_functions oid[], p_types oid[], p_nodes text[], p_other text[], p_locks boolean
)
    returns void
    language plpgsql stable
as $$
declare
    _what text;
begin
    if p_locks then
        raise exception 'the SELECT locks rows' using errcode = 'SM031', hint = 'Leave out FOR UPDATE and FOR SHARE.';
    end if;
    select r.oid::regclass::text into _what
      from pg_class as r
      join pg_namespace as n on n.oid = r.relnamespace
     where r.oid = any (p_relations)
       and (n.nspname ~ '^(pg_|information_schema$)' or not has_any_column_privilege('sms_audience', r.oid, 'select')
            or not sms.is_trusted_author(r.relowner))
     limit 1;
    if found then
        raise exception 'audiences may not read %', _what using errcode = 'SM031',
            hint = format('They read erp.client, erp.action, geo.…, sms.message and what a DBA adds: grant select on %s to sms_audience. No system catalogs, no tables of one''s own.', _what);
    end if;
    select f.oid::regprocedure::text || ', ' || f.problem into _what
      from sms.select_functions(p_functions) as f where f.problem is not null limit 1;
    if found then
        raise exception 'audiences may not call %', _what using errcode = 'SM031',
            hint = 'They only compute: the list is sms.audience_function; functions of your own need a grant to sms_audience by a DBA.';
    end if;
    select t.oid::regtype::text || ', ' || t.problem into _what from sms.select_types(p_types) as t where t.problem is not null limit 1;
    if found then
        raise exception 'audiences may not use the type %', _what using errcode = 'SM031';
    end if;
    _what := array_to_string(sms.select_nodes(p_nodes) || p_other, ', ');
    if _what <> '' then
        raise exception 'audiences may not use %', lower(_what) using errcode = 'SM031',
            hint = 'They are made of plain SELECTs: joins, conditions, groups, windows, WITH.';
    end if;
end
$$;
comment on function sms.refuse_unlisted is 'Error SM031 where a parsed SELECT is made of anything that is not on the lists.';
revoke execute on function sms.refuse_unlisted from public;
