-- Functions a SELECT calls, each with what speaks against it in an audience; problem is null where nothing does.
-- A label may lie, so functions count only when people whom analysts cannot be have written them: PostgreSQL, an extension,
-- or sms.is_trusted_author.
create or replace function sms.audience_functions(p_functions oid[])
    returns table (oid oid, problem text)
    language sql stable
as $$
    select p.oid,
           case when n.nspname = 'pg_catalog' and p.proname in ('random', 'clock_timestamp', 'timeofday') then null
                when p.provolatile = 'v' then 'which does more than compute'
                when n.nspname ~ '^pg_temp' then 'which is temporary'
                when n.nspname = 'pg_catalog'
                     and (p.proname ~ '^(pg_|txid_|lo_|inet_(client|server))|_to_xml|^current_(setting|query)$'
                          and p.proname not in ('pg_typeof', 'pg_column_size'))
                    then 'which looks into the server'
                when n.nspname <> 'pg_catalog' and e.objid is null and not sms.is_trusted_author(p.proowner) then 'whose author is not known'
                when p.prosecdef and n.nspname not in ('sms', 'geo') then 'which runs with the rights of another'
           end
      from unnest(p_functions) as f (oid)
      join pg_catalog.pg_proc as p on p.oid = f.oid
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
      left join pg_catalog.pg_depend as e
        on e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e'
$$;
comment on function sms.audience_functions is 'Part of saving an audience: what speaks against each function it calls.';
revoke execute on function sms.audience_functions from public;
