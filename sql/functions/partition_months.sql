-- The months for which a table has partitions, read from their names.
create or replace function sms.partition_months(p_table text)
    returns table (month timestamptz, partition regclass)
    language sql stable set timezone = 'UTC'
as $$
    select to_timestamp(substring(c.relname from '_y(\d{4}m\d{2})$'), 'YYYY"m"MM')::timestamp at time zone 'UTC', c.oid::regclass
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = ('sms.' || p_table)::regclass
$$;
comment on function sms.partition_months is 'Months that a partitioned table covers.';
revoke execute on function sms.partition_months from public;
