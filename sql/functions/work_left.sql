-- What still has to happen: messages due now in lanes that a provider serves, messages in flight, messages accepted within
-- p_receipt_wait whose receipt has not come, recipients of campaigns that may be queued now, and messages that became
-- uncertain within p_ask_wait and about which their provider is being asked. All zero = a drain is done.
create or replace function sms.work_left(
    p_receipt_wait interval default '10 seconds', p_as_of timestamptz default null, p_ask_wait interval default '5 minutes'
)
    returns table (due bigint, inflight bigint, awaiting_receipt bigint, feeding bigint, asking bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select (select count(*)
              from sms.pending as p
              join sms.lane as l using (lane_id)
              join sms.provider as v on v.provider_id = l.provider_id and v.is_enabled
             where p.not_before <= k.now),
           (select count(*) from sms.inflight),
           (select count(*)
              from sms.outcome as o
             where o.state = 'accepted' and o.decided_at > k.now - p_receipt_wait),
           (select coalesce(sum(case when r.state = 'running' and r.waiting > 0 then z.waiting else 1 end), 0)::bigint
              from sms.campaign_run as r
              left join lateral (
                       select sum(x.waiting) as waiting from sms.run_zone as x
                        where x.run_id = r.run_id and x.waiting > 0 and x.opens_at <= k.now
                   ) as z on true
             where r.state = 'freezing' or (r.state = 'planned' and coalesce(r.begins_at <= k.now, true))
                or (r.state = 'running' and z.waiting > 0
                    and coalesce(r.next_slot <= k.now, true) and sms.feed_room(r.campaign_id, k.now) > 0)
                or (r.state = 'running' and r.waiting = 0   -- nothing left but to say so
                    and not exists (select from sms.pending as p where p.campaign_id = r.campaign_id))),
           (select count(*)
              from sms.doubtful as d
              join sms.provider_asking as a on a.provider_id = d.provider_id and a.answers_doubts
              join sms.provider as v on v.provider_id = d.provider_id and v.is_enabled
              join sms.outcome as o on o.id = d.id and o.state = 'uncertain'
             where d.since > k.now - p_ask_wait)
      from (select coalesce(p_as_of, clock_timestamp()) as now) as k
$$;
comment on function sms.work_left is
    'Due, in flight, awaiting a receipt, to be queued, being asked about: all zero when a drain is done.';
revoke execute on function sms.work_left from public;
