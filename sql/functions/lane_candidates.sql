-- Every lane that follows a route, with each provider that may serve it, best first: `place` 1 is the policy's choice, whoever
-- is ill. Pinned lanes and lanes without a route are absent. The row for the operator beats the channel's row.
-- cheapest: unknown prices last. best_delivered: shares are pulled towards the route's prior_share as if that had been seen
-- prior_samples times, so a new provider is neither best nor worst; who serves now wins within the route's margin.
create or replace function sms.lane_candidates(p_as_of timestamptz)
    returns table (lane_id smallint, priority smallint, policy text, provider_id smallint, place bigint, is_enabled boolean, worth text)
    language plpgsql stable
as $$
#variable_conflict use_column
begin
    return query
    with routed as (
        select l.lane_id, l.operator_id as to_operator_id, l.provider_id as serving, c.priority, c.category, r.*
          from sms.lane as l
          join sms.channel as c on c.channel_id = l.channel_id
          cross join lateral (select x.*
                                from sms.route as x
                               where x.channel_id = l.channel_id and (x.operator_id = l.operator_id or x.operator_id is null)
                               order by x.operator_id is null
                               limit 1) as r
         where not exists (select from sms.lane_pin as n where n.lane_id = l.lane_id)
    ), offer as (
        select d.lane_id, d.priority, d.policy, v.provider_id, v.rank, p.is_enabled,
               case when d.policy = 'cheapest' then sms.segment_price(v.provider_id, d.to_operator_id, d.category, p_as_of) end as price,
               case when d.policy = 'best_delivered'
                    then (coalesce(h.delivered, 0) + d.prior_share * d.prior_samples) / (coalesce(h.submitted, 0) + d.prior_samples)
               end as share,
               case when v.provider_id = d.serving then d.margin else 0 end as bonus
          from routed as d
          join sms.route_provider as v on v.route_id = d.route_id
          join sms.provider as p on p.provider_id = v.provider_id
          left join sms.delivered_share as h on h.provider_id = v.provider_id and h.operator_id = d.to_operator_id
    )
    select o.lane_id, o.priority, o.policy, o.provider_id,
           row_number() over (partition by o.lane_id order by o.price nulls last, o.share + o.bonus desc nulls last, o.rank),
           o.is_enabled,
           case o.policy when 'cheapest' then coalesce('costs ' || o.price, 'price unknown')
                         when 'best_delivered' then format('delivers %s %%', round(100 * o.share, 1))
                         else format('rank %s', o.rank) end
      from offer as o;
end
$$;
comment on function sms.lane_candidates is 'The providers that may serve each routed lane, best first.';
revoke execute on function sms.lane_candidates from public;
