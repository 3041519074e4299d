-- A row a lane: who serves it, what waits, what is due, what is in flight, since when the oldest is due.
create or replace function sms.queue_status()
    returns table (channel text, operator text, provider text, pending bigint, due bigint, inflight bigint, oldest_due_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.channel, s.operator, s.provider, coalesce(s.due + s.later, 0), coalesce(s.due, 0), coalesce(f.n, 0), s.oldest_due_at
      from sms.lane_status as s
      left join (select l.lane_id, c.channel, o.operator
                   from sms.lane as l join sms.channel as c using (channel_id) join sms.operator as o using (operator_id)) as k
        on k.channel = s.channel and k.operator = s.operator
      left join (select i.lane_id, count(*) as n from sms.inflight as i group by i.lane_id) as f on f.lane_id = k.lane_id
$$;
comment on function sms.queue_status is 'Each lane: pending, due, in flight, oldest due.';
revoke execute on function sms.queue_status from public;
