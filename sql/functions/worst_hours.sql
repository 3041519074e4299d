-- The hours of a span in which the smallest share of what was handed over arrived, of those with at least p_least messages;
-- p95 from hand-over to delivery, hours in the zone of setting statistics_zone. Hours are kept for statistics_hours_months.
create or replace function sms.worst_hours(p_from timestamptz, p_until timestamptz, p_limit int default 10, p_least int default 100)
    returns table (hour timestamp, accepted bigint, delivered bigint, delivery_share numeric, p95 interval)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select k.hour at time zone sms.statistics_zone(), k.accepted, k.delivered, round(k.delivered::numeric / k.accepted, 4),
           sms.delivery_percentile((select array_agg(c.messages order by c.n)
                                      from (select x.n, sum(x.messages)::bigint as messages
                                              from sms.stat_hour as h
                                             cross join unnest(h.delivery) with ordinality as x (messages, n)
                                             where h.hour = k.hour
                                             group by x.n) as c), 0.95)
      from (select s.hour,
                   sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)) as accepted,
                   coalesce(sum(s.messages) filter (where s.state = 'delivered'), 0) as delivered
              from sms.stat_hour as s
             where s.hour >= p_from and s.hour < p_until
             group by s.hour) as k
     where k.accepted >= p_least
     order by k.delivered::numeric / k.accepted, k.hour
     limit p_limit
$$;
comment on function sms.worst_hours is 'The hours of a span in which the smallest share arrived.';
revoke execute on function sms.worst_hours from public;
