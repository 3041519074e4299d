-- Sums by the hour under their names, for dashboards: read as sms_monitor, a day or a month at a time.
create or replace view sms.hourly_messages as
    select s.hour, c.channel, c.category, c.priority, p.provider, o.operator, k.campaign, t.template, s.state,
           nullif(s.reason, '') as reason, s.messages, s.segments, s.cost, s.billed, s.billed_messages,
           (sms.is_handed_over(s.state, s.reason))::int * s.messages as handed_over,
           (s.state = 'delivered')::int * s.messages as delivered, s.delivery
      from sms.stat_hour as s
      join sms.channel as c on c.channel_id = s.channel_id
      left join sms.provider as p on p.provider_id = s.provider_id
      left join sms.operator as o on o.operator_id = s.operator_id
      left join sms.campaign as k on k.campaign_id = s.campaign_id
      left join sms.template as t on t.template_id = s.template_id;
comment on view sms.hourly_messages is 'Messages that left the queue, by the hour in which they were asked for: sms.stat_hour under names.';
comment on column sms.hourly_messages.hour is 'Begin of the hour in which the ERP inserted them.';
comment on column sms.hourly_messages.channel is 'Channel.';
comment on column sms.hourly_messages.category is 'The channel''s category.';
comment on column sms.hourly_messages.priority is 'The channel''s priority.';
comment on column sms.hourly_messages.provider is 'Provider they were handed to; null = none.';
comment on column sms.hourly_messages.operator is 'Operator that issued the number; null = no number.';
comment on column sms.hourly_messages.campaign is 'Campaign; null = none.';
comment on column sms.hourly_messages.template is 'Template; null = none.';
comment on column sms.hourly_messages.state is 'State.';
comment on column sms.hourly_messages.reason is 'Reason; null = none.';
comment on column sms.hourly_messages.messages is 'How many.';
comment on column sms.hourly_messages.segments is 'SMS parts handed over.';
comment on column sms.hourly_messages.cost is 'Expected cost, in the own currency.';
comment on column sms.hourly_messages.billed is 'What providers said they charged.';
comment on column sms.hourly_messages.billed_messages is 'For how many messages they said so.';
comment on column sms.hourly_messages.handed_over is 'Of the messages, those that a provider took or may have taken.';
comment on column sms.hourly_messages.delivered is 'Of the messages, those delivered.';
comment on column sms.hourly_messages.delivery is 'Delivered ones by time to delivery, see sms.delivery_bucket; for sms.delivery_percentile.';
