-- Numbers of messages by class of sms.delivery_bucket as one array, as long as the slowest class that occurs.
-- Arrays are parallel; a class may occur several times, null ones are passed over. Null when nothing is left.
create or replace function sms.delivery_classes(p_buckets int[], p_messages int[])
    returns int[]
    language sql immutable parallel safe
as $$
    select array_agg(coalesce(k.messages, 0) order by n)
      from generate_series(1, (select max(b) from unnest(p_buckets) as b)) as n
      left join (select g.bucket, sum(g.messages)::int as messages
                   from unnest(p_buckets, p_messages) as g (bucket, messages)
                  where g.bucket is not null
                  group by g.bucket) as k on k.bucket = n
$$;
comment on function sms.delivery_classes is 'Counts by delivery class as one array.';
revoke execute on function sms.delivery_classes from public;
