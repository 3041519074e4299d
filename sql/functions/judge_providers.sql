-- Which breakers should move now, and why; writes nothing. A row only for those that should.
--   closed → open       silent, refusing, too many errors, all rejected, throttled for too long; and more workers say so than not
--   open → half_open    the cool-down is over; the first one where lanes are held, as nobody else could serve them
--   half_open → closed  as many probes as the policy asks for were answered, and few enough failed
--   half_open → open    too many failed, or it is silent or refuses
-- Opening and closing have different limits (error_share, recover_share), and each opening without a calm between doubles
-- the cool-down: that is what keeps it from flapping.
create or replace function sms.judge_providers(p_as_of timestamptz)
    returns table (provider_id smallint, from_state text, to_state text, cause text, figures text)
    language plpgsql stable
as $$
#variable_conflict use_column
begin
    return query
    with seen as (
        select b.provider_id, b.state, b.since, b.retry_at, k.cool_down, k.min_samples, k.error_share as limit_share, k.slow_answer,
               k.throttle_share as limit_throttled, k.throttle_for, k.probes, k.recover_share, w.*,
               w.ill_votes > w.well_votes as is_agreed,
               exists (select from sms.lane as l where l.provider_id = b.provider_id and l.is_held) as is_last_hope
          from sms.breaker as b
          join sms.breaker_policy as k on k.provider_id = b.provider_id
          join sms.provider_window(p_as_of) as w (id) on w.id = b.provider_id
    ), illness as (
        select s.*,
               case when s.is_agreed and s.is_silent then 'silent'
                    when s.is_agreed and s.is_refusing then 'refusing'
                    when s.is_agreed and s.judged >= s.min_samples and s.error_share >= s.limit_share
                        then case when s.slow * 2 > s.bad then 'slow' else 'errors' end
                    when s.rejected >= s.min_samples and s.rejected = s.judged then 'rejects_all'
                    when s.sent >= s.min_samples and s.throttled_share >= s.limit_throttled
                         and s.throttled_for >= s.throttle_for then 'throttled'
               end as illness,
               format('%s of %s failed, %s turned away, %s rejected, %s slow; silent for %s s, refusing for %s s; %s of %s workers agree',
                      s.failed + s.unanswered + s.overdue + s.troubles, s.judged, s.throttled, s.rejected, s.slow,
                      round(extract(epoch from s.silence), 1), round(extract(epoch from s.failing_for), 1),
                      s.ill_votes, s.workers) as figures
          from seen as s
    ), trial as (
        -- Turned away is no proof of health either; a rejection is an answer, but not if there is nothing else.
        select i.*, i.bad + i.throttled + case when i.accepted = 0 then i.rejected else 0 end as missed,
               case when i.accepted > 0 then i.accepted + i.rejected - i.slow else 0 end as hit
          from illness as i
    )
    select t.provider_id, t.state, n.to_state, n.cause,
           case when n.cause = 'cool_down_over' then format('%s probes', t.probes) else t.figures end
      from trial as t
      cross join lateral (
               select 'open' as to_state, t.illness as cause where t.state = 'closed' and t.illness is not null
                union all
               select 'half_open', 'cool_down_over'
                where t.state = 'open' and (t.retry_at <= p_as_of or t.is_last_hope and t.since + t.cool_down <= p_as_of)
                union all
               select 'open', 'probes_failed'
                where t.state = 'half_open' and (t.is_silent or t.is_refusing or t.missed > t.probes * t.recover_share)
                union all
               select 'closed', 'probes_well'
                where t.state = 'half_open' and not t.is_silent and not t.is_refusing and t.hit + t.missed >= t.probes and t.hit > 0
                  and t.missed <= t.probes * t.recover_share
           ) as n;
end
$$;
comment on function sms.judge_providers is 'Which breakers should move now, and why.';
revoke execute on function sms.judge_providers from public;
