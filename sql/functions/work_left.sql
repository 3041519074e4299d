-- What still has to happen: messages due now in lanes that a provider serves, messages in flight, and messages accepted
-- within p_receipt_wait whose receipt has not come. All zero = a drain is done.
create or replace function sms.work_left(p_receipt_wait interval default '10 seconds', p_as_of timestamptz default null)
    returns table (due bigint, inflight bigint, awaiting_receipt bigint)
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
             where o.state = 'accepted' and o.decided_at > k.now - p_receipt_wait)
      from (select coalesce(p_as_of, clock_timestamp()) as now) as k
$$;
comment on function sms.work_left is 'Due, in flight and awaiting a receipt: all zero when a drain is done.';
revoke execute on function sms.work_left from public;
