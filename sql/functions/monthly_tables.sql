-- The tables that are cut into months.
create or replace function sms.monthly_tables()
    returns setof text
    language sql stable
as $$
    select c.relname::text
      from pg_catalog.pg_partitioned_table as p
      join pg_catalog.pg_class as c on c.oid = p.partrelid
     where c.relnamespace = 'sms'::regnamespace
     order by c.relname
$$;
comment on function sms.monthly_tables is 'The tables that are cut into months.';
revoke execute on function sms.monthly_tables from public;
