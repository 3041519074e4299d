-- Count, at most every five minutes and only while a route asks for it, what share of each provider's messages was delivered:
-- those asked for within the routes' look_back whose submission is older than ten minutes, so that receipts had time, and of
-- these the newest 100,000 at most: breakers must not wait for statistics.
-- Accepted without a receipt counts as not delivered: a provider that loses them must not look best.
create or replace function sms.count_delivered(p_as_of timestamptz)
    returns void
    language plpgsql volatile
as $$
begin
    if not exists (select from sms.route as r where r.policy = 'best_delivered')
       or exists (select from sms.delivered_share as d where d.counted_at > p_as_of - interval '5 minutes') then
        return;
    end if;
    insert into sms.delivered_share as d (provider_id, operator_id, counted_at, submitted, delivered)
    select p.provider_id, o.operator_id, p_as_of, coalesce(n.submitted, 0), coalesce(n.delivered, 0)
      from sms.provider as p
      cross join sms.operator as o
      left join (select x.provider_id, l.operator_id, count(*) as submitted, count(*) filter (where x.state = 'delivered') as delivered
                   from (select y.*
                           from sms.outcome as y
                          where y.id >= sms.id_at(p_as_of - (select max(r.look_back) from sms.route as r where r.policy = 'best_delivered'))
                            and y.id < sms.id_at(p_as_of - interval '10 minutes')
                          order by y.id desc
                          limit 100000) as x
                   join sms.lane as l on l.lane_id = x.lane_id
                  where x.submitted_at < p_as_of - interval '10 minutes' and x.provider_id is not null
                    and x.state in ('accepted', 'delivered', 'undelivered', 'expired', 'rejected')
                  group by x.provider_id, l.operator_id) as n on n.provider_id = p.provider_id and n.operator_id = o.operator_id
        on conflict (provider_id, operator_id) do update
       set counted_at = excluded.counted_at, submitted = excluded.submitted, delivered = excluded.delivered;
end
$$;
comment on function sms.count_delivered is 'Refresh sms.delivered_share while a best_delivered route needs it.';
revoke execute on function sms.count_delivered from public;
