-- Functions a SELECT calls, each with what speaks against it; problem is null where nothing does. A list of what is allowed:
-- PostgreSQL's and extensions' by signature in sms.audience_function, all others by a grant of EXECUTE to sms_audience itself
-- (what PUBLIC may call does not count), and written by people whom analysts cannot be.
create or replace function sms.select_functions(p_functions oid[])
    returns table (oid oid, problem text)
    language sql stable
as $$
    select p.oid,
           case when n.nspname = 'pg_catalog' or e.extname is not null then
                    case when not exists (select from sms.audience_function as a
                                           where a.origin = coalesce(e.extname, n.nspname) and a.signature = p.signature)
                        then 'which is not on the list of what audiences may call' end
                when not sms.is_trusted_author(p.proowner) then 'whose author is not known'
                when not exists (select from aclexplode(p.proacl) as g where g.grantee = 'sms_audience'::regrole and g.privilege_type = 'EXECUTE')
                    then 'which is not granted to sms_audience'
                when p.prosecdef and n.nspname not in ('sms', 'geo') then 'which runs with the rights of another'
           end
      from (select p.*, p.proname || '('
                        || coalesce((select string_agg(t.typname, ',' order by a.n)
                                       from unnest(p.proargtypes) with ordinality as a (type, n)
                                       join pg_catalog.pg_type as t on t.oid = a.type), '') || ')' as signature
              from pg_catalog.pg_proc as p
             where p.oid = any (p_functions)) as p
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
      left join lateral (select x.extname
                           from pg_catalog.pg_depend as d
                           join pg_catalog.pg_extension as x on x.oid = d.refobjid
                          where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e') as e on true
$$;
comment on function sms.select_functions is 'Part of saving an audience or a goal: what speaks against each function it calls; null where nothing does.';
revoke execute on function sms.select_functions from public;
