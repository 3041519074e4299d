-- For each lane that follows a route: who should serve it now, and may somebody take probes from it. Writes nothing.
-- is_held: nobody of its route is well, so it stays with the least bad (being tried; else first to be tried) and waits.
-- is_forced: who serves it now may not go on (ill, disabled, not of the route, or nobody), so it moves at once.
-- Probes come from lanes that are not urgent; from urgent ones where they wait anyway, or others gave not one for slow_answer.
create or replace function sms.choose_providers(p_as_of timestamptz)
    returns table (
        lane_id smallint, priority smallint, serving smallint, chosen smallint, is_held boolean, is_forced boolean, probed_by smallint,
        cause text, detail text
    )
    language plpgsql stable
as $$
#variable_conflict use_column
begin
    return query
    with offer as materialized (
        select c.*, b.state, b.retry_at, b.probes_left = k.probes and b.probes_at + k.slow_answer <= p_as_of as finds_none, b.figures as trouble, b.cause as illness
          from sms.lane_candidates(p_as_of) as c
          join sms.breaker as b on b.provider_id = c.provider_id
          join sms.breaker_policy as k on k.provider_id = c.provider_id
    ), best as (
        select distinct on (o.lane_id) o.*
          from offer as o
         where o.is_enabled
         order by o.lane_id, (o.state = 'closed') desc, case when o.state = 'closed' then o.place end, (o.state = 'half_open') desc,
                  o.retry_at, o.place
    ), lane as (
        select l.lane_id, b.priority, l.provider_id as serving, s.provider_id as serves_well, s.state as serving_state,
               coalesce(s.is_enabled, false) as serving_enabled, s.place as serving_place,
               b.provider_id as best_id, b.state = 'closed' as is_well, b.worth, b.policy,
               s.trouble, s.illness, p.is_enabled as was_enabled
          from sms.lane as l
          join best as b on b.lane_id = l.lane_id
          left join offer as s on s.lane_id = l.lane_id and s.provider_id = l.provider_id
          left join sms.provider as p on p.provider_id = l.provider_id
    )
    select l.lane_id, l.priority, l.serving,
           -- Nobody is well: moving from one ill provider to another would only be flapping.
           case when not l.is_well and l.serving_enabled then l.serving else l.best_id end,
           not l.is_well,
           l.serving is null or not l.serving_enabled or l.serving_state <> 'closed',
           (select o.provider_id
              from offer as o
             where o.lane_id = l.lane_id and o.is_enabled and o.state = 'half_open'
               and (o.priority > 0 or not l.is_well or o.finds_none)
             order by o.place
             limit 1),
           case when not coalesce(l.was_enabled, true) then 'disabled'
                when l.serving is null or l.serves_well is null then 'route'
                when l.serving_state <> 'closed' then 'failover'
                else 'return' end,
           case when not coalesce(l.was_enabled, true) then 'the provider is disabled'
                when l.serving is null or l.serves_well is null then format('%s: %s', l.policy, l.worth)
                when l.serving_state <> 'closed' then coalesce(l.illness || ': ' || l.trouble, l.serving_state)
                else format('%s: %s', l.policy, l.worth) end
      from lane as l;
end
$$;
comment on function sms.choose_providers is 'Who should serve each routed lane now, given who is well, and why.';
revoke execute on function sms.choose_providers from public;
