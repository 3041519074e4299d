-- Worker API, about once a second: add what this worker met at its providers since its last report, and say how it is now.
-- p_reports: [{provider, epoch, accepted, rejected, failed, throttled, unanswered, slow, troubles: counts since the last
-- report; outstanding, overdue, silence_s, failing, failing_s: now; times: counts by answer time; max_ms}].
-- Providers that are unknown by now are left out. Never called for single messages.
create or replace function sms.report_health(p_worker text, p_reports jsonb, p_as_of timestamptz default null)
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    insert into sms.provider_tally as t (
               provider_id, worker, epoch, bucket_at, reported_at, accepted, rejected, failed, throttled, unanswered, slow, troubles,
               outstanding, overdue, silence, failing, failing_for, times, max_ms)
    select p.provider_id, p_worker, r.epoch, date_bin('2 seconds', n.now, '2020-01-01 00:00Z'), n.now, coalesce(r.accepted, 0),
           coalesce(r.rejected, 0), coalesce(r.failed, 0), coalesce(r.throttled, 0), coalesce(r.unanswered, 0), coalesce(r.slow, 0),
           coalesce(r.troubles, 0), coalesce(r.outstanding, 0), coalesce(r.overdue, 0),
           make_interval(secs => coalesce(r.silence_s, 0)), coalesce(r.failing, 0), make_interval(secs => coalesce(r.failing_s, 0)),
           coalesce(r.times, '{}'), coalesce(r.max_ms, 0)
      from (select coalesce(sms.named_moment(p_as_of), clock_timestamp()) as now) as n
      cross join jsonb_to_recordset(p_reports) as r (
               provider text, epoch int, accepted int, rejected int, failed int, throttled int, unanswered int, slow int, troubles int,
               outstanding int, overdue int, silence_s float8, failing int, failing_s float8, times int[], max_ms int)
      join sms.provider as p on p.provider = r.provider
     order by p.provider_id, r.epoch
        on conflict (provider_id, bucket_at, worker, epoch) do update
       set reported_at = excluded.reported_at,
           accepted = t.accepted + excluded.accepted,
           rejected = t.rejected + excluded.rejected,
           failed = t.failed + excluded.failed,
           throttled = t.throttled + excluded.throttled,
           unanswered = t.unanswered + excluded.unanswered,
           slow = t.slow + excluded.slow,
           troubles = t.troubles + excluded.troubles,
           outstanding = excluded.outstanding,
           overdue = excluded.overdue,
           silence = excluded.silence,
           failing = excluded.failing,
           failing_for = excluded.failing_for,
           times = array(select coalesce(x.old, 0) + coalesce(x.new, 0)
                           from unnest(t.times, excluded.times) with ordinality as x (old, new, n) order by x.n),
           max_ms = greatest(t.max_ms, excluded.max_ms)
$$;
comment on function sms.report_health is 'Worker API. Add a worker''s counts of the last second to sms.provider_tally.';
revoke execute on function sms.report_health from public;
