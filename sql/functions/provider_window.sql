-- What the workers met at each provider of late, one row a provider, also where they met nothing.
-- Counts are those of its policy's watch_window; only of submissions that began in the breaker's present epoch, unless
-- p_every_epoch. Gauges are each worker's newest, where it is younger than five seconds: a dead worker has no opinion.
-- Each worker has a vote: ill when it is met by silence, refusals or too many errors, well when it meets anything else.
-- One worker with a broken line of its own must not condemn a provider that serves the others; one that cannot even open it
-- (it lacks the secret, all binds are taken) abstains while others are served.
create or replace function sms.provider_window(p_as_of timestamptz, p_every_epoch boolean default false)
    returns table (
        provider_id smallint, workers int, ill_votes int, well_votes int, sent bigint, accepted bigint, rejected bigint, failed bigint,
        throttled bigint, unanswered bigint, slow bigint, troubles bigint, outstanding bigint, overdue bigint, bad bigint,
        judged bigint, error_share numeric, silence interval, failing bigint, failing_for interval, is_silent boolean,
        is_refusing boolean, throttled_share numeric, throttled_for interval, times bigint[], max_ms int
    )
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with terms as (
        select b.provider_id, b.epoch, k.watch_window, k.error_share, k.slow_answer, k.refuse_for, k.throttle_for
          from sms.breaker as b
          join sms.breaker_policy as k on k.provider_id = b.provider_id
    ), recent as materialized (
        select t.*, k.error_share, k.slow_answer, k.refuse_for, k.throttle_for, t.bucket_at > p_as_of - k.watch_window as is_in_window
          from terms as k
          join sms.provider_tally as t on t.provider_id = k.provider_id and (t.epoch = k.epoch or p_every_epoch)
         where t.bucket_at > p_as_of - greatest(k.watch_window, k.throttle_for + interval '2 seconds') and t.bucket_at <= p_as_of
    ), gauge as (
        select distinct on (r.provider_id, r.worker) r.*
          from recent as r
         where r.reported_at > p_as_of - interval '5 seconds'
         order by r.provider_id, r.worker, r.epoch desc, r.bucket_at desc
    ), met as (
        select r.provider_id, r.worker, sum(r.accepted) as accepted, sum(r.rejected) as rejected, sum(r.failed) as failed,
               sum(r.throttled) as throttled, sum(r.unanswered) as unanswered, sum(r.slow) as slow, sum(r.troubles) as troubles,
               max(r.max_ms) as max_ms
          from recent as r
         where r.is_in_window
         group by r.provider_id, r.worker
    ), worker as materialized (
        select m.*, coalesce(g.outstanding, 0) as outstanding, coalesce(g.overdue, 0) as overdue,
               coalesce(g.silence, '0') as silence, coalesce(g.failing, 0) as failing, coalesce(g.failing_for, '0') as failing_for,
               m.failed + m.unanswered + m.slow + m.troubles + coalesce(g.overdue, 0) as bad,
               m.accepted + m.rejected + m.failed + m.unanswered + m.troubles + coalesce(g.overdue, 0) as judged,
               coalesce(g.outstanding > 0 and g.silence >= g.slow_answer, false) as is_silent,
               coalesce(g.failing >= 3 and g.failing_for >= g.refuse_for or g.failing >= 2 and g.failing_for >= g.slow_answer,
                        false) as is_refusing
          from met as m
          left join gauge as g on g.provider_id = m.provider_id and g.worker = m.worker
    ), heard as (
        select w.*, w.accepted + w.rejected + w.failed + w.throttled + w.unanswered + w.outstanding > 0 as has_traffic,
               max(w.accepted) over (partition by w.provider_id) > 0 as serves_somebody
          from worker as w
    ), vote as (
        select w.*, w.is_silent or w.is_refusing or (w.bad > 0 and w.bad >= w.judged * k.error_share) as is_ill
          from heard as w
          join terms as k on k.provider_id = w.provider_id
         where w.has_traffic or (w.judged > 0 or w.is_refusing) and not w.serves_somebody
    ), total as (
        select v.provider_id, count(*)::int as workers, count(*) filter (where v.is_ill)::int as ill,
               sum(v.accepted)::bigint as accepted, sum(v.rejected)::bigint as rejected, sum(v.failed)::bigint as failed,
               sum(v.throttled)::bigint as throttled, sum(v.unanswered)::bigint as unanswered, sum(v.slow)::bigint as slow,
               sum(v.troubles)::bigint as troubles, sum(v.outstanding)::bigint as outstanding, sum(v.overdue)::bigint as overdue,
               sum(v.bad)::bigint as bad, sum(v.judged)::bigint as judged, max(v.silence) as silence,
               sum(v.failing)::bigint as failing, max(v.failing_for) as failing_for, bool_or(v.is_silent) as is_silent,
               bool_or(v.is_refusing) as is_refusing, max(v.max_ms) as max_ms
          from vote as v
         group by v.provider_id
    ), throttling as (
        select r.provider_id,
               sum(r.throttled)::numeric
                   / nullif(sum(r.accepted + r.rejected + r.failed + r.throttled + r.unanswered), 0) as share,
               p_as_of - min(r.bucket_at) filter (where r.throttled > 0) as lasting
          from recent as r
         where r.bucket_at > p_as_of - r.throttle_for - interval '2 seconds'
         group by r.provider_id
    ), answer as (
        select x.provider_id, array_agg(x.count order by x.n) as times
          from (select r.provider_id, t.n, sum(t.count)::bigint as count
                  from recent as r
                  cross join lateral unnest(r.times) with ordinality as t (count, n)
                 where r.is_in_window
                 group by r.provider_id, t.n) as x
         group by x.provider_id
    )
    select k.provider_id, coalesce(t.workers, 0), coalesce(t.ill, 0), coalesce(t.workers - t.ill, 0),
           coalesce(t.accepted + t.rejected + t.failed + t.throttled + t.unanswered, 0), coalesce(t.accepted, 0), coalesce(t.rejected, 0),
           coalesce(t.failed, 0), coalesce(t.throttled, 0), coalesce(t.unanswered, 0), coalesce(t.slow, 0), coalesce(t.troubles, 0),
           coalesce(t.outstanding, 0), coalesce(t.overdue, 0), coalesce(t.bad, 0), coalesce(t.judged, 0),
           coalesce(round(t.bad::numeric / nullif(greatest(t.judged, t.bad), 0), 3), 0), coalesce(t.silence, '0'), coalesce(t.failing, 0),
           coalesce(t.failing_for, '0'), coalesce(t.is_silent, false), coalesce(t.is_refusing, false),
           coalesce(round(h.share, 3), 0), coalesce(h.lasting, '0'), coalesce(a.times, '{}'), coalesce(t.max_ms, 0)
      from terms as k
      left join total as t on t.provider_id = k.provider_id
      left join throttling as h on h.provider_id = k.provider_id
      left join answer as a on a.provider_id = k.provider_id;
end
$$;
comment on function sms.provider_window is 'What the workers met at each provider of late: counts, gauges, votes.';
revoke execute on function sms.provider_window from public;
