-- What waits in each lane and who serves it; for outbox status, top and monitoring.
create or replace view sms.lane_status as
    select c.channel, op.operator, v.provider, c.priority,
           q.due, q.later, q.oldest_due_at
      from sms.lane as l
      join sms.channel as c using (channel_id)
      join sms.operator as op using (operator_id)
      left join sms.provider as v using (provider_id)
      left join (select p.lane_id,
                        count(*) filter (where p.not_before <= clock_timestamp()) as due,
                        count(*) filter (where p.not_before > clock_timestamp()) as later,
                        min(p.not_before) filter (where p.not_before <= clock_timestamp()) as oldest_due_at
                   from sms.pending as p
                  group by p.lane_id) as q using (lane_id)
     order by c.priority, c.channel, op.operator;
comment on view sms.lane_status is 'Each lane: who serves it, how many are due, how many wait for later, since when the oldest is due.';
comment on column sms.lane_status.channel is 'Channel.';
comment on column sms.lane_status.operator is 'Operator.';
comment on column sms.lane_status.provider is 'Who serves it; null = parked.';
comment on column sms.lane_status.priority is 'The channel''s priority.';
comment on column sms.lane_status.due is 'Messages due now.';
comment on column sms.lane_status.later is 'Messages that wait for a later moment.';
comment on column sms.lane_status.oldest_due_at is 'Since when the oldest due message waits.';
