-- Messages nobody can say of whether the provider has them: since when, whether it is being asked, and what happens next.
-- Numbers are masked and there are no texts, so that it may be watched; the whole number is in sms.message.
create or replace view sms.uncertain_message as
    select d.id, v.provider, c.channel, op.operator,
           sms.mask_phones(o.msisdn::text) as number,
           o.attempts, o.submitted_at, d.since, d.asks, d.asked_at,
           case when a.answers_doubts then d.next_ask_at end as next_ask_at,
           d.absent_since, c.on_uncertain,
           case when c.on_uncertain <> 'hold' then o.decided_at + c.uncertain_after end as policy_at,
           sms.mask_phones(o.detail) as detail
      from sms.doubtful as d
      join sms.outcome as o on o.id = d.id and o.state = 'uncertain'
      join sms.provider as v on v.provider_id = o.provider_id
      join sms.lane as l on l.lane_id = o.lane_id
      join sms.channel as c on c.channel_id = l.channel_id
      join sms.operator as op on op.operator_id = l.operator_id
      left join sms.provider_asking as a on a.provider_id = o.provider_id;
comment on view sms.uncertain_message is 'Uncertain messages: who may have them, since when, how often it was asked, what happens next. Numbers masked, no texts.';
comment on column sms.uncertain_message.id is 'sms.outbox.id.';
comment on column sms.uncertain_message.provider is 'Who may have it.';
comment on column sms.uncertain_message.channel is 'Channel.';
comment on column sms.uncertain_message.operator is 'Operator that issued the number.';
comment on column sms.uncertain_message.number is 'The number with its middle hidden.';
comment on column sms.uncertain_message.attempts is 'Submissions tried.';
comment on column sms.uncertain_message.submitted_at is 'When it was handed over, or the claim began where that is not known.';
comment on column sms.uncertain_message.since is 'Since when it is uncertain.';
comment on column sms.uncertain_message.asks is 'How often the provider was asked about it.';
comment on column sms.uncertain_message.asked_at is 'When it was last asked.';
comment on column sms.uncertain_message.next_ask_at is 'Not asked again before; null where the provider cannot be asked.';
comment on column sms.uncertain_message.absent_since is 'When the provider first said that it does not have it.';
comment on column sms.uncertain_message.on_uncertain is 'What the channel does in the end: hold, resend or give_up.';
comment on column sms.uncertain_message.policy_at is 'When the channel does that; null = a person decides.';
comment on column sms.uncertain_message.detail is 'How it became uncertain.';
