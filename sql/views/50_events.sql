-- Which event and which rule made which message, or why there is none; and what is still to come for whom.
create or replace view sms.event_message as
    select x.event_id, t.event_type, e.fired_at, e.client_id, e.event_key, r.event_rule as rule, x.outcome, x.message_id,
           x.cancelled_by_event_id, x.note, x.decided_at
      from sms.event_effect as x
      join sms.event as e on e.event_id = x.event_id
      join sms.event_type as t on t.event_type_id = e.event_type_id
      join sms.event_rule as r on r.rule_id = x.rule_id;
comment on view sms.event_message is 'What rules made of events: a message (join sms.message for its state), one that was taken back, or none and why.';
comment on column sms.event_message.event_id is 'The event; a string in JSON.';
comment on column sms.event_message.event_type is 'What happened.';
comment on column sms.event_message.fired_at is 'When.';
comment on column sms.event_message.client_id is 'To whom.';
comment on column sms.event_message.event_key is 'The ERP''s key of the event.';
comment on column sms.event_message.rule is 'The rule.';
comment on column sms.event_message.outcome is 'message, cancelled, none.';
comment on column sms.event_message.message_id is 'The message.';
comment on column sms.event_message.cancelled_by_event_id is 'The event that took it back.';
comment on column sms.event_message.note is 'A sentence where there is something to say.';
comment on column sms.event_message.decided_at is 'When it was made, taken back or given up.';

create or replace view sms.planned_message as
    select e.client_id, t.event_type, r.event_rule as rule, p.due_at, r.channel, r.template, e.event_id, e.event_key,
           p.message_id, r.cancelled_by, r.cancel_key, e.vars ->> r.cancel_key as cancel_value, r.is_enabled
      from sms.event_plan as p
      join sms.event as e on e.event_id = p.event_id
      join sms.event_type as t on t.event_type_id = e.event_type_id
      join sms.event_rule as r on r.rule_id = p.rule_id;
comment on view sms.planned_message is 'What rules will send to whom and when, and what waits already and may still be taken back.';
comment on column sms.planned_message.client_id is 'The client.';
comment on column sms.planned_message.event_type is 'What happened.';
comment on column sms.planned_message.rule is 'The rule.';
comment on column sms.planned_message.due_at is 'When it is to be sent.';
comment on column sms.planned_message.channel is 'The channel.';
comment on column sms.planned_message.template is 'The template; which wording is decided ten minutes before.';
comment on column sms.planned_message.event_id is 'The event; a string in JSON.';
comment on column sms.planned_message.event_key is 'The ERP''s key of the event.';
comment on column sms.planned_message.message_id is 'The message where it is made already; null = only planned.';
comment on column sms.planned_message.cancelled_by is 'Events that take it back.';
comment on column sms.planned_message.cancel_key is 'Only with the same value of this variable.';
comment on column sms.planned_message.cancel_value is 'That value.';
comment on column sms.planned_message.is_enabled is 'False: the rule is switched off, and it will not be sent unless that changes.';
