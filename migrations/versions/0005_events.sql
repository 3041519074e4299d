-- Events of the ERP, the rules that turn them into messages, how long histories are kept.

-- ---------------------------------------------------------------- what may happen, and what is sent then

create table sms.event_type (
    event_type_id int primary key generated always as identity,
    event_type text not null unique
        constraint "an event type is small letters, digits and _.-, up to 80" check (event_type ~ '^[a-z][a-z0-9_.-]{0,79}$'),
    title text not null default '',
    variables jsonb not null default '{}'
        constraint "variables are {name: kind}, kinds text number date moment boolean, with ? where optional"
        check (jsonb_typeof(variables) = 'object'
               and not jsonb_path_exists(variables, '$.* ? (@.type() != "string" || !(@ like_regex "^(text|number|date|moment|boolean)[?]{0,1}$"))')
               and not jsonb_path_exists(variables, '$.keyvalue().key ? (!(@ like_regex "^\\w{1,60}$"))')),
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user
);
comment on table sms.event_type is 'What may happen in the ERP that clients hear of: late, payment, invoice. The ERP names it in sms.fire_event.';
comment on column sms.event_type.event_type_id is 'Key.';
comment on column sms.event_type.event_type is 'The name the ERP writes; never changed.';
comment on column sms.event_type.title is 'For people.';
comment on column sms.event_type.variables is 'What comes with it: {"due_date": "date", "name": "text?"}. Kinds: text, number, date, moment, boolean; ? = may be missing.';
comment on column sms.event_type.created_at is 'When it was declared.';
comment on column sms.event_type.created_by is 'By whom.';

create table sms.event_rule (
    rule_id int primary key generated always as identity,
    event_rule text not null
        constraint "a rule's name is small letters, digits and _.-, up to 80" check (event_rule ~ '^[a-z][a-z0-9_.-]{0,79}$'),
    event_type_id int not null references sms.event_type,
    template text not null,
    channel text not null references sms.channel (channel),
    condition jsonpath,
    date_variable text,
    shift interval not null default '0'
        constraint "a shift is at most ten years" check (shift between '-3660 days' and '3660 days'),
    at_local time,
    if_past text not null default 'skip' constraint "if_past is skip or send" check (if_past in ('skip', 'send')),
    validity interval constraint "validity is longer than nothing" check (validity > '0'),
    cancelled_by text[] not null default '{}',
    cancel_key text,
    is_enabled boolean not null default true,
    removed_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user,
    constraint "before the event is only possible with a date variable" check (date_variable is not null or shift >= '0'),
    constraint "with a local time the shift is whole days" check (at_local is null or shift = date_trunc('day', shift)),
    constraint "cancel_key belongs to cancelled_by" check (cancel_key is null or cancelled_by <> '{}')
);
create unique index event_rule_name on sms.event_rule (event_rule) where removed_at is null;
create index event_rule_event_type_id on sms.event_rule (event_type_id);
comment on table sms.event_rule is 'What is sent when something happens, when, and what takes it back. Several rules may belong to one event type.';
comment on column sms.event_rule.rule_id is 'Key.';
comment on column sms.event_rule.event_rule is 'Its name.';
comment on column sms.event_rule.event_type_id is 'What must happen.';
comment on column sms.event_rule.template is 'What is sent: name of a template (its newest version when the message is made) or name@version.';
comment on column sms.event_rule.channel is 'As what: its priority, caps, quiet hours, provider.';
comment on column sms.event_rule.condition is 'Only when this SQL/JSON path predicate over the event''s variables is true: $.amount > 1000; null = always.';
comment on column sms.event_rule.date_variable is 'Count from this variable of the event instead of from the event itself.';
comment on column sms.event_rule.shift is 'How long after it; negative = before it. Days are calendar days where the client lives.';
comment on column sms.event_rule.at_local is 'At this time of day where the client lives; null = at that very moment.';
comment on column sms.event_rule.if_past is 'When that moment is over already as the event comes: skip (nothing is sent, with a note) or send (at once).';
comment on column sms.event_rule.validity is 'How long after its moment the message is still worth sending; null = the channel''s.';
comment on column sms.event_rule.cancelled_by is 'Event types of the same client that take back what waits.';
comment on column sms.event_rule.cancel_key is 'Only where both events have the same value of this variable; null = all of the client.';
comment on column sms.event_rule.is_enabled is 'False: new events make nothing, and what is planned is dropped when its moment comes.';
comment on column sms.event_rule.removed_at is 'When it was removed; its past messages still name it.';
comment on column sms.event_rule.created_at is 'When it was made.';
comment on column sms.event_rule.created_by is 'By whom.';

-- ---------------------------------------------------------------- what happened, what is planned, what came of it

create table sms.event (
    event_id bigint not null default sms.next_id() primary key,
    fired_at timestamptz not null default clock_timestamp(),
    event_type_id int not null,
    client_id bigint,
    event_key text constraint "an event key is 1 to 200 characters" check (char_length(event_key) between 1 and 200),
    vars jsonb not null,
    problem text
) partition by range (event_id);
create index event_client_id on sms.event (client_id) where client_id is not null;
comment on table sms.event is 'Something happened in the ERP. Append-only; written by sms.fire_event.';
comment on column sms.event.event_id is 'Time-ordered id.';
comment on column sms.event.fired_at is 'When the ERP said so.';
comment on column sms.event.event_type_id is 'What.';
comment on column sms.event.client_id is 'To whom.';
comment on column sms.event.event_key is 'The ERP''s own key: the same type, client and key happen once.';
comment on column sms.event.vars is 'What came with it; also the values of the templates.';
comment on column sms.event.problem is 'Which declared variables are missing or unreadable; null = none.';

create table sms.event_key (
    key_hash bigint not null,
    event_id bigint not null
);
create index event_key_key_hash on sms.event_key (key_hash);
comment on table sms.event_key is 'Where the event of a key is: one probe instead of one a month.';
comment on column sms.event_key.key_hash is '64-bit hash of type, client and key; the text is compared.';
comment on column sms.event_key.event_id is 'The event.';

create table sms.event_effect (
    event_id bigint not null,
    rule_id int not null,
    decided_at timestamptz not null,
    outcome text not null check (outcome in ('message', 'cancelled', 'none')),
    message_id bigint,
    cancelled_by_event_id bigint,
    note text,
    primary key (event_id, rule_id),
    constraint "a message has an id" check (outcome <> 'message' or message_id is not null)
) partition by range (event_id);
create index event_effect_message_id on sms.event_effect (message_id) where message_id is not null;
comment on table sms.event_effect is 'What a rule made of an event: a message, a message taken back, or nothing and why. Read it as sms.event_message.';
comment on column sms.event_effect.event_id is 'The event.';
comment on column sms.event_effect.rule_id is 'The rule.';
comment on column sms.event_effect.decided_at is 'When.';
comment on column sms.event_effect.outcome is 'message, cancelled, none.';
comment on column sms.event_effect.message_id is 'The message, sms.outbox.id.';
comment on column sms.event_effect.cancelled_by_event_id is 'The event that took it back.';
comment on column sms.event_effect.note is 'A sentence where there is something to say.';

create table sms.event_plan (
    event_id bigint not null,
    rule_id int not null,
    client_id bigint,
    due_at timestamptz not null,
    look_at timestamptz not null,
    message_id bigint,
    primary key (event_id, rule_id)
);
create index event_plan_look_at on sms.event_plan (look_at);
create index event_plan_client_id on sms.event_plan (client_id) where client_id is not null;
comment on table sms.event_plan is 'What will become a message, or is one that still may be taken back. A row goes when its message is decided.';
comment on column sms.event_plan.event_id is 'The event.';
comment on column sms.event_plan.rule_id is 'The rule.';
comment on column sms.event_plan.client_id is 'The client, by whom cancelling events find it.';
comment on column sms.event_plan.due_at is 'The moment of the message.';
comment on column sms.event_plan.look_at is 'When the chore looks at it next: to work out the moment again, to make the message, to see whether it left.';
comment on column sms.event_plan.message_id is 'The message once it is made; null = only planned.';

create table sms.event_recheck (
    event_id bigint primary key,
    look_at timestamptz not null
);
comment on table sms.event_recheck is 'Cancelling events that met a row somebody was just working on: the chore applies them again. Nearly always empty.';
comment on column sms.event_recheck.event_id is 'The cancelling event.';
comment on column sms.event_recheck.look_at is 'When.';

-- ---------------------------------------------------------------- how long histories are kept

alter table sms.setting drop constraint "days and months are whole numbers";
alter table sms.setting add constraint "days and months are whole numbers"
    check (case when setting in ('retention_months', 'erp_ref_days') then value ~ '^\d{1,5}$'
                when setting like 'retention\_months.%' then value ~ '^\d{0,5}$' else true end);
alter table sms.setting add constraint "own retention is for activity, event, inbound, number_trouble and rule_change"
    check (setting not like 'retention\_months.%'
           or setting in ('retention_months.activity', 'retention_months.event', 'retention_months.inbound',
                          'retention_months.number_trouble', 'retention_months.rule_change'));

-- Installations that have these already: what is there is the baseline of the kept changes.
insert into sms.rule_change (rule_table, rule_key, action, new)
select 'template', t.template_id::text, 'baseline', to_jsonb(t) from sms.template as t
 union all select 'template_version', v.template_version_id::text, 'baseline', to_jsonb(v) from sms.template_version as v
 union all select 'provider', p.provider_id::text, 'baseline', to_jsonb(p) from sms.provider as p
 union all select 'tariff', t.tariff_id::text, 'baseline', to_jsonb(t) from sms.tariff as t;
