-- Every route: whom it concerns, its policy, its providers in their order, and who serves its lanes now.
create or replace function sms.list_routes()
    returns table (channel text, operator text, policy text, providers text[], serving text[], lanes int, pinned int, held int)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select c.channel, o.operator, r.policy,
           array(select p.provider from sms.route_provider as v join sms.provider as p on p.provider_id = v.provider_id
                  where v.route_id = r.route_id order by v.rank),
           coalesce(array_agg(distinct coalesce(p.provider, '(parked)')) filter (where l.lane_id is not null), '{}'),
           count(l.lane_id)::int, count(n.lane_id)::int, count(*) filter (where l.is_held)::int
      from sms.route as r
      join sms.channel as c on c.channel_id = r.channel_id
      left join sms.operator as o on o.operator_id = r.operator_id
      left join sms.lane as l
        on l.channel_id = r.channel_id
       and case when r.operator_id is null
                then not exists (select from sms.route as x where x.channel_id = l.channel_id and x.operator_id = l.operator_id)
                else l.operator_id = r.operator_id end
      left join sms.provider as p on p.provider_id = l.provider_id
      left join sms.lane_pin as n on n.lane_id = l.lane_id
     group by c.channel, o.operator, r.policy, r.route_id
     order by c.channel, o.operator nulls first
$$;
comment on function sms.list_routes is 'Routes with their providers and who serves their lanes now.';
revoke execute on function sms.list_routes from public;
