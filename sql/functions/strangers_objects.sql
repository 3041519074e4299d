-- What authors unknown to us made where the reader of audiences could name it: schemas, functions, operators, relations that
-- were granted to it, and types that run something: domains and ranges with the types that contain them, and types with a
-- cast. place is the schema that has to be named too; null for public, which is searched without being named. name is null
-- for operators, which are no words.
create or replace function sms.strangers_objects()
    returns table (name text, place text, what text)
    language sql stable
as $$
    with recursive stranger as materialized (
        select r.oid from pg_catalog.pg_roles as r where not sms.is_trusted_author(r.oid)
    ), room as materialized (
        select n.oid, n.nspname, nullif(n.nspname, 'public') as place, n.nspowner
          from pg_catalog.pg_namespace as n
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege('sms_audience', n.oid, 'usage')
    ), kind (oid) as (
       (select t.oid from pg_catalog.pg_type as t where t.typtype in ('d', 'r', 'm') and t.typowner in (select s.oid from stranger as s)
         union
        select x.oid
          from pg_catalog.pg_cast as c
          join pg_catalog.pg_proc as p on p.oid = c.castfunc and p.proowner in (select s.oid from stranger as s)
         cross join lateral (values (c.castsource), (c.casttarget)) as x (oid)
          join pg_catalog.pg_type as t on t.oid = x.oid and t.typowner in (select s.oid from stranger as s))
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
    select r.nspname::text, null::text, 'the schema ' || r.nspname
      from room as r
     where r.nspname <> 'public' and r.nspowner in (select s.oid from stranger as s)
     union all
    select t.typname::text, r.place::text, 'the type ' || t.typname
      from kind as k
      join pg_catalog.pg_type as t on t.oid = k.oid
      join room as r on r.oid = t.typnamespace
     union all
    select c.relname::text, r.place::text, 'the relation ' || c.relname
      from pg_catalog.pg_class as c
      join room as r on r.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relowner in (select s.oid from stranger as s)
       and has_any_column_privilege('sms_audience', c.oid, 'select')
     union all
    select p.proname::text, r.place::text, 'the function ' || p.proname
      from pg_catalog.pg_proc as p
      join room as r on r.oid = p.pronamespace
     where p.proowner in (select s.oid from stranger as s) and has_function_privilege('sms_audience', p.oid, 'execute')
       and not exists (select from pg_catalog.pg_depend as d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     union all
    select null, r.place::text, 'the operator ' || o.oprname
      from pg_catalog.pg_operator as o
      join room as r on r.oid = o.oprnamespace
      left join pg_catalog.pg_proc as p on p.oid = o.oprcode
     where (o.oprowner in (select s.oid from stranger as s) or p.proowner in (select s.oid from stranger as s))
       and not exists (select from pg_catalog.pg_depend as d
                        where d.classid = 'pg_catalog.pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e')
$$;
comment on function sms.strangers_objects is 'What unknown authors made where the reader of audiences could name it.';
revoke execute on function sms.strangers_objects from public;
