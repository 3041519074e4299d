-- Every message with its current state, whichever table holds it. What the ERP and the analysts read.
-- One branch a table, so that a condition on state or id reaches only the rows it needs. No texts.
create or replace view sms.message as
    select o.id, o.erp_ref, o.client_id, o.channel, o.campaign_id, p.msisdn, 'pending' as state,
           null::text as reason, null::text as detail, v.provider, op.operator, null::smallint as segments,
           null::numeric(12, 4) as cost, p.attempt as attempts, p.not_before, o.created_at,
           null::timestamptz as submitted_at, null::timestamptz as final_at
      from sms.pending as p
      join sms.outbox as o on o.id = p.id
      left join sms.lane as l on l.lane_id = p.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.provider as v on v.provider_id = l.provider_id
    union all
    select o.id, o.erp_ref, o.client_id, o.channel, o.campaign_id, f.msisdn, 'inflight',
           null, null, v.provider, op.operator, null, null, f.attempt,
           case when o.not_before is not null then
               least(greatest(o.not_before, timestamptz '1970-01-01 00:00Z'), timestamptz '9999-01-01 00:00Z') end,
           o.created_at, null, null
      from sms.inflight as f
      join sms.outbox as o on o.id = f.id
      left join sms.lane as l on l.lane_id = f.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.provider as v on v.provider_id = f.provider_id
    union all
    select o.id, o.erp_ref, o.client_id, o.channel, o.campaign_id, r.msisdn, r.state,
           r.reason, r.detail, v.provider, op.operator, r.segments, r.cost, r.attempts,
           case when o.not_before is not null then
               least(greatest(o.not_before, timestamptz '1970-01-01 00:00Z'), timestamptz '9999-01-01 00:00Z') end, o.created_at,
           r.submitted_at, r.final_at
      from sms.outcome as r
      join sms.outbox as o on o.id = r.id
      left join sms.lane as l on l.lane_id = r.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.provider as v on v.provider_id = r.provider_id;
comment on view sms.message is 'Every message with its current state. The ERP''s and the analysts'' window; no texts.';
comment on column sms.message.id is 'sms.outbox.id; a string in JSON.';
comment on column sms.message.erp_ref is 'The ERP''s own reference.';
comment on column sms.message.client_id is 'The ERP''s client.';
comment on column sms.message.channel is 'Traffic class.';
comment on column sms.message.campaign_id is 'Campaign, if any.';
comment on column sms.message.msisdn is 'Normalised number; null when there was none.';
comment on column sms.message.state is 'See sms.state.';
comment on column sms.message.reason is 'Why it was suppressed, cancelled or failed; see sms.reason.';
comment on column sms.message.detail is 'The facts in words.';
comment on column sms.message.provider is 'Who serves its lane now, or who it was handed to.';
comment on column sms.message.operator is 'Operator that issued the number.';
comment on column sms.message.segments is 'SMS parts submitted.';
comment on column sms.message.cost is 'Expected cost by tariff; null when unknown or not submitted.';
comment on column sms.message.attempts is 'Submissions tried.';
comment on column sms.message.not_before is 'Earliest next try; for messages that left the queue what the ERP asked for, null when nothing.';
comment on column sms.message.created_at is 'When the ERP inserted it.';
comment on column sms.message.submitted_at is 'When the provider took it.';
comment on column sms.message.final_at is 'When its final state became known.';
