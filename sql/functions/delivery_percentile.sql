-- The time within which a share of the delivered messages had arrived, from counts by class of sms.delivery_bucket: linear
-- within the class, so at most one class (19 %) off. Null when nothing was delivered.
create or replace function sms.delivery_percentile(p_delivery bigint[], p_share float8)
    returns interval
    language sql immutable parallel safe
as $$
    select make_interval(secs => extract(epoch from case when k.n = 1 then interval '0' else sms.delivery_bucket_ends(k.n::int - 1) end)::float8
               + (p_share * k.total - k.before) / k.messages
               * extract(epoch from sms.delivery_bucket_ends(k.n::int)
                         - case when k.n = 1 then interval '0' else sms.delivery_bucket_ends(k.n::int - 1) end)::float8)
      from (select c.n, c.messages, sum(c.messages) over () as total,
                   sum(c.messages) over (order by c.n) - c.messages as before
              from unnest(p_delivery) with ordinality as c (messages, n)) as k
     where k.messages > 0 and k.before + k.messages >= p_share * k.total
     order by k.n
     limit 1
$$;
comment on function sms.delivery_percentile is 'A percentile of the time to delivery from counts by class; at most one class (19 %) off.';
revoke execute on function sms.delivery_percentile from public;
