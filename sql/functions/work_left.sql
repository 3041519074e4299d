-- What still has to happen: messages due now in lanes that a provider serves, messages in flight, messages accepted within
-- p_receipt_wait whose receipt has not come, and messages that became uncertain within p_ask_wait and about which their
-- provider is being asked. All zero = a drain is done.
create or replace function sms.work_left(
    p_receipt_wait interval default '10 seconds', p_as_of timestamptz default null, p_ask_wait interval default '5 minutes'
)
    returns table (due bigint, inflight bigint, awaiting_receipt bigint, asking bigint)
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
           (select count(*)
              from sms.doubtful as d
              join sms.provider_asking as a on a.provider_id = d.provider_id and a.answers_doubts
              join sms.provider as v on v.provider_id = d.provider_id and v.is_enabled
              join sms.outcome as o on o.id = d.id and o.state = 'uncertain'
             where d.since > k.now - p_ask_wait)
      from (select coalesce(p_as_of, clock_timestamp()) as now) as k
$$;
comment on function sms.work_left is 'Due, in flight, awaiting a receipt, being asked about: all zero when a drain is done.';
revoke execute on function sms.work_left from public;
