-- What authors unknown to us made where the reader of audiences could name it: schemas, domains and ranges with the types that
-- contain them, and relations that were granted to it.
create or replace function sms.strangers_objects()
    returns table (name text, what text)
    language sql stable
as $$
    with recursive stranger as materialized (
        select r.oid from pg_catalog.pg_roles as r where not sms.is_trusted_author(r.oid)
    ), room as materialized (
        select n.oid, n.nspname, n.nspowner
          from pg_catalog.pg_namespace as n
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege('sms_audience', n.oid, 'usage')
    ), seed as materialized (
        select t.oid from pg_catalog.pg_type as t where t.typtype in ('d', 'r', 'm') and t.typowner in (select s.oid from stranger as s)
    ), kind (oid) as (
        select s.oid from seed as s
         union
        select t.oid
          from kind as k
          cross join lateral (
                   select c.reltype as oid
                     from pg_catalog.pg_attribute as a
                     join pg_catalog.pg_class as c on c.oid = a.attrelid
                    where a.atttypid = k.oid and c.reltype <> 0
                    union all
                   select t.oid from pg_catalog.pg_type as t where t.typbasetype = k.oid or t.typelem = k.oid
                    union all
                   select r.rngtypid from pg_catalog.pg_range as r where r.rngsubtype = k.oid) as t
    )
    select r.nspname::text, 'the schema ' || r.nspname
      from room as r
     where r.nspname <> 'public' and r.nspowner in (select s.oid from stranger as s)
     union all
    select t.typname::text, 'the type ' || t.typname
      from kind as k
      join pg_catalog.pg_type as t on t.oid = k.oid
      join room as r on r.oid = t.typnamespace
     union all
    select c.relname::text, 'the relation ' || c.relname
      from pg_catalog.pg_class as c
      join room as r on r.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relowner in (select s.oid from stranger as s)
       and has_any_column_privilege('sms_audience', c.oid, 'select')
$$;
comment on function sms.strangers_objects is 'What unknown authors made where the reader of audiences could name it.';
revoke execute on function sms.strangers_objects from public;
