-- Move the breakers that should move, one step each, and give a half_open one that got no answers another set of probes.
-- Returns how many opened, are being tried, closed.
create or replace function sms.move_breakers(p_as_of timestamptz)
    returns table (opened int, tried int, closed int)
    language plpgsql volatile
as $$
#variable_conflict use_column
begin
    return query
    with turn as materialized (
        select * from sms.judge_providers(p_as_of)
    ), moved as (
        update sms.breaker as b
           set state = t.to_state, since = p_as_of, epoch = b.epoch + 1, cause = t.cause, figures = t.figures,
               openings = n.openings,
               retry_at = case when t.to_state = 'open'
                               then p_as_of + least(k.cool_down * power(2, least(n.openings - 1, 20)), k.max_cool_down) end,
               probes_left = case when t.to_state = 'half_open' then k.probes else 0 end,
               probes_at = case when t.to_state = 'half_open' then p_as_of end,
               returned_at = p_as_of
          from turn as t
          join sms.breaker as o on o.provider_id = t.provider_id
          join sms.breaker_policy as k on k.provider_id = t.provider_id
          cross join lateral (select case when t.to_state <> 'open' then o.openings
                                          when o.state = 'closed' and o.since + k.calm <= p_as_of then 1
                                          else o.openings + 1 end as openings) as n
         where b.provider_id = t.provider_id
     returning b.state
    ), again as (
        update sms.breaker as b
           set probes_left = k.probes, probes_at = p_as_of
          from sms.breaker_policy as k, sms.provider_window(p_as_of) as w
         where k.provider_id = b.provider_id and w.provider_id = b.provider_id and b.state = 'half_open'
           and b.probes_left < k.probes and w.outstanding = 0 and b.probes_at + k.slow_answer * 2 <= p_as_of
           and b.provider_id not in (select t.provider_id from turn as t)
    )
    select count(*) filter (where m.state = 'open')::int, count(*) filter (where m.state = 'half_open')::int,
           count(*) filter (where m.state = 'closed')::int
      from moved as m;
end
$$;
comment on function sms.move_breakers is 'Open, try and close breakers as sms.judge_providers says.';
revoke execute on function sms.move_breakers from public;
