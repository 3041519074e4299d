-- Rules the business needs, as data, and the memory of every change to them.

-- Functions whose arguments change: the files make the new forms.
drop function if exists sms.interpret_request(text, text, text, text, jsonb, text, smallint, timestamptz, timestamptz, text, timestamptz);
drop function if exists sms.choose_due(smallint, int, int, int, timestamptz);

-- ---------------------------------------------------------------- who changed which rule when

create table sms.rule_change (
    change_id bigint not null default sms.next_id() primary key,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null default session_user,
    acted_as text not null default current_user,
    rule_table text not null,
    rule_key text not null,
    action text not null check (action in ('baseline', 'insert', 'update', 'delete')),
    old jsonb,
    new jsonb
);
create index rule_change_key on sms.rule_change (rule_table, rule_key, change_id);
comment on table sms.rule_change is 'Every change to a rule: who, when, the row before and after. Written by triggers; never changed.';
comment on column sms.rule_change.change_id is 'Time-ordered key; also the version of the rule row from then on.';
comment on column sms.rule_change.changed_at is 'When.';
comment on column sms.rule_change.changed_by is 'The login that changed it.';
comment on column sms.rule_change.acted_as is 'The role it acted as.';
comment on column sms.rule_change.rule_table is 'Which table, without its schema.';
comment on column sms.rule_change.rule_key is 'Primary key of the row, as text.';
comment on column sms.rule_change.action is 'insert, update, delete; baseline = it was there before changes were kept.';
comment on column sms.rule_change.old is 'The row before.';
comment on column sms.rule_change.new is 'The row after.';

-- ---------------------------------------------------------------- groups, blacklist

create table sms.recipient_group (
    group_id int primary key generated always as identity,
    recipient_group text not null unique
        constraint "a group name is 1 to 80 characters" check (char_length(recipient_group) between 1 and 80),
    title text not null default ''
);
comment on table sms.recipient_group is 'Named sets of numbers or clients, for blacklisting them together.';
comment on column sms.recipient_group.group_id is 'Key.';
comment on column sms.recipient_group.recipient_group is 'Its name.';
comment on column sms.recipient_group.title is 'For people.';

create table sms.recipient_group_member (
    member_id bigint primary key generated always as identity,
    group_id int not null references sms.recipient_group on delete cascade,
    msisdn bigint,
    client_id bigint,
    added_at timestamptz not null default now(),
    added_by text not null default session_user,
    constraint "a member is a number or a client" check (num_nonnulls(msisdn, client_id) = 1),
    unique (group_id, msisdn),
    unique (group_id, client_id)
);
create index recipient_group_member_msisdn on sms.recipient_group_member (msisdn) where msisdn is not null;
create index recipient_group_member_client_id on sms.recipient_group_member (client_id) where client_id is not null;
comment on table sms.recipient_group_member is 'Who is in a group: a number, or a client with whatever number.';
comment on column sms.recipient_group_member.member_id is 'Key.';
comment on column sms.recipient_group_member.group_id is 'The group.';
comment on column sms.recipient_group_member.msisdn is 'A number, E.164 without the plus.';
comment on column sms.recipient_group_member.client_id is 'Or a client of the ERP.';
comment on column sms.recipient_group_member.added_at is 'Since when.';
comment on column sms.recipient_group_member.added_by is 'Who added it.';

alter table sms.blacklist
    add column group_id int references sms.recipient_group,
    drop constraint blacklist_number_or_prefix,
    add constraint "a blacklist row names one number, prefix or group" check (num_nonnulls(msisdn, prefix, group_id) = 1),
    add constraint "a blacklist row ends after it began" check (expires_at > created_at),
    add constraint "a blacklist row says why" check (btrim(reason) <> '');
create index blacklist_group_id on sms.blacklist (group_id) where group_id is not null;
create index blacklist_auto on sms.blacklist (created_at) where source = 'auto';
comment on column sms.blacklist.group_id is 'Or every member of this group.';

-- ---------------------------------------------------------------- channels: consent, duplicates, spread

alter table sms.channel
    add column needs_consent boolean not null default false,
    add column dedup_by text not null default 'text' check (dedup_by in ('text', 'text_in_channel', 'template')),
    add column opening_spread interval not null default '0'
        constraint "opening_spread is between 0 and 4 hours" check (opening_spread between '0' and '4 hours'),
    add column ignores_opt_out boolean not null default false;
alter table sms.channel add constraint "time_zone is a zone that sms.time_zone knows"
    foreign key (time_zone) references sms.time_zone (name);
alter table sms.setting add constraint "days and months are whole numbers"
    check (setting not in ('retention_months', 'erp_ref_days') or value ~ '^\d{1,5}$');
comment on column sms.channel.needs_consent is 'True: only with a consent for its category in sms.consent.';
comment on column sms.channel.dedup_by is 'What makes two messages the same: text, text within this channel, or the template whatever its values.';
comment on column sms.channel.opening_spread is 'Deferred messages are spread over this long after quiet hours end, so that 09:00 is no stampede.';
comment on column sms.channel.ignores_opt_out is 'True only for the answer to an opt-out, which the opt-out itself must not stop.';

-- ---------------------------------------------------------------- consent

create table sms.consent (
    consent_id bigint primary key generated always as identity,
    msisdn bigint,
    client_id bigint,
    category text not null references sms.category,
    proof text not null constraint "a consent names its proof" check (btrim(proof) <> ''),
    valid_from timestamptz not null default now(),
    valid_until timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by text,
    created_at timestamptz not null default now(),
    created_by text not null default session_user,
    constraint "a consent is of a number or a client" check (num_nonnulls(msisdn, client_id) = 1),
    constraint "a consent ends after it begins" check (valid_until > valid_from)
);
create index consent_msisdn on sms.consent (msisdn, category) where msisdn is not null;
create index consent_client_id on sms.consent (client_id, category) where client_id is not null;
comment on table sms.consent is 'Ledger of consents: append rows, withdraw them, never delete. 38-FZ art. 18: the sender proves the consent.';
comment on column sms.consent.consent_id is 'Key.';
comment on column sms.consent.msisdn is 'Whose, by number.';
comment on column sms.consent.client_id is 'Whose, by client.';
comment on column sms.consent.category is 'For which kind of message.';
comment on column sms.consent.proof is 'Where the proof is: form, version of the text, time, address, check number.';
comment on column sms.consent.valid_from is 'From when.';
comment on column sms.consent.valid_until is 'Until when; null = until withdrawn.';
comment on column sms.consent.withdrawn_at is 'When it was withdrawn.';
comment on column sms.consent.withdrawn_by is 'By whom: a login, or inbound and its id.';
comment on column sms.consent.created_at is 'When the row was written.';
comment on column sms.consent.created_by is 'Who wrote it.';

-- ---------------------------------------------------------------- caps per client

alter table sms.cap
    add column per text not null default 'number' check (per in ('number', 'client')),
    drop constraint cap_span_for_rolling,
    add constraint "a rolling cap needs a span, a calendar cap has none" check ((period = 'rolling') = (span is not null));
comment on column sms.cap.per is 'number: messages to one number; client: to one client_id over all its numbers.';
create index contact_log_client on sms.contact_log (client_id, at, channel_id) where client_id is not null;
alter type sms.candidate add attribute nth_client int;
comment on type sms.candidate is 'The facts of one message, as rules take them: arrays of these, half the price of fetching by id. nth, nth_key, nth_client: earlier rows of the same number, number and text, client in this batch.';

-- ---------------------------------------------------------------- quiet hours: kinds of days, holidays

alter table sms.quiet_hours
    add column day_kind text check (day_kind in ('working', 'off')),
    drop constraint quiet_hours_not_empty,
    add constraint "silence has a length" check (quiet_from <> quiet_until),
    add constraint "name a weekday or a kind of day, not both" check (num_nonnulls(iso_weekday, day_kind) < 2);
comment on column sms.quiet_hours.day_kind is 'Only on working days or days off, by sms.holiday and the weekday; null = by iso_weekday alone.';

create table sms.holiday (
    day date primary key,
    kind text not null check (kind in ('off', 'working')),
    title text not null default ''
);
comment on table sms.holiday is 'Production calendar: working weekdays that are off, weekend days that are worked. Imported by ''outbox import holidays''.';
comment on column sms.holiday.day is 'The day.';
comment on column sms.holiday.kind is 'off = nobody works; working = a weekend day that is worked.';
comment on column sms.holiday.title is 'Why.';

create table sms.client_zone (
    client_id bigint primary key,
    zone_id smallint not null references sms.time_zone,
    updated_at timestamptz not null default now()
);
comment on table sms.client_zone is 'What the ERP knows of a client''s time zone; wins over the number, loses to the row''s own time_zone.';
comment on column sms.client_zone.client_id is 'The client.';
comment on column sms.client_zone.zone_id is 'Its zone.';
comment on column sms.client_zone.updated_at is 'When it was set.';

alter table geo.client_location add column zone_id smallint references sms.time_zone;
comment on column geo.client_location.zone_id is 'Time zone of the point, set by the import; null = not worked out.';

-- ---------------------------------------------------------------- holdout

create table sms.campaign (
    campaign_id bigint primary key generated by default as identity,
    campaign text not null unique
        constraint "a campaign name is 1 to 200 characters" check (char_length(campaign) between 1 and 200),
    holdout_percent numeric(5, 2) not null default 0
        constraint "holdout is 0 to 50 percent" check (holdout_percent between 0 and 50),
    created_at timestamptz not null default now(),
    created_by text not null default session_user
);
comment on table sms.campaign is 'One audience, one text, one purpose. Rows of sms.outbox name it in campaign_id.';
comment on column sms.campaign.campaign_id is 'What sms.outbox.campaign_id holds.';
comment on column sms.campaign.campaign is 'Its name.';
comment on column sms.campaign.holdout_percent is 'Share of the audience that deliberately gets nothing, drawn by a stable hash.';
comment on column sms.campaign.created_at is 'When it was made.';
comment on column sms.campaign.created_by is 'By whom.';

-- ---------------------------------------------------------------- numbers that fail

create table sms.receipt_error (
    adapter text not null,
    error text not null,
    class text not null check (class in
        ('no_such_number', 'malformed', 'unreachable', 'refused', 'temporary', 'content', 'account')),
    meaning text not null,
    primary key (adapter, error)
);
comment on table sms.receipt_error is 'What a provider''s error code says about the number. Data, so that a wrong reading can be corrected.';
comment on column sms.receipt_error.adapter is 'The dialect.';
comment on column sms.receipt_error.error is 'The error as the adapter reports it.';
comment on column sms.receipt_error.class is 'no_such_number, malformed, unreachable, refused (alive, but takes none of these); temporary, content, account say nothing about the number.';
comment on column sms.receipt_error.meaning is 'For people.';

create table sms.number_trouble (
    message_id bigint primary key,
    msisdn bigint not null,
    at timestamptz not null,
    provider_id smallint not null,
    state text not null,
    error text,
    learned_at timestamptz
);
create index number_trouble_msisdn on sms.number_trouble (msisdn, at);
create index number_trouble_new on sms.number_trouble (at) where learned_at is null;
comment on table sms.number_trouble is 'Messages that failed for good, by number: what automatic blacklisting counts.';
comment on column sms.number_trouble.message_id is 'The message.';
comment on column sms.number_trouble.msisdn is 'The number.';
comment on column sms.number_trouble.at is 'When it failed.';
comment on column sms.number_trouble.provider_id is 'Who reported it.';
comment on column sms.number_trouble.state is 'undelivered, expired or rejected.';
comment on column sms.number_trouble.error is 'The provider''s error; read through sms.receipt_error.';
comment on column sms.number_trouble.learned_at is 'When the rules looked at it.';

create table sms.auto_blacklist_rule (
    auto_rule_id int primary key generated always as identity,
    class text not null check (class in ('no_such_number', 'malformed', 'unreachable', 'refused')),
    times int not null constraint "times is at least 1" check (times >= 1),
    span interval not null constraint "span is between a minute and 400 days" check (span between '1 minute' and '400 days'),
    min_gap interval not null default '0'
        constraint "min_gap is shorter than span" check (min_gap >= '0' and min_gap < span),
    needs_life boolean not null default false,
    category text references sms.category,
    channel text references sms.channel (channel),
    lasts interval constraint "lasts is longer than nothing" check (lasts > '0'),
    is_enabled boolean not null default true,
    reason text not null constraint "an automatic rule says why" check (btrim(reason) <> '')
);
comment on table sms.auto_blacklist_rule is 'When a failing number blacklists itself: which class, how often, over which span, for what and how long. A delivery in between starts the count anew.';
comment on column sms.auto_blacklist_rule.auto_rule_id is 'Key.';
comment on column sms.auto_blacklist_rule.class is 'Class of the error, see sms.receipt_error.';
comment on column sms.auto_blacklist_rule.times is 'How many failures it takes.';
comment on column sms.auto_blacklist_rule.span is 'Within this span.';
comment on column sms.auto_blacklist_rule.min_gap is 'First and last at least this far apart.';
comment on column sms.auto_blacklist_rule.needs_life is 'Only when the number is known to be alive: it answered, or took a message from a numeric sender; and only failures of alphanumeric senders count.';
comment on column sms.auto_blacklist_rule.category is 'Blacklisted for this category only; null = any.';
comment on column sms.auto_blacklist_rule.channel is 'Blacklisted for this channel only; null = any.';
comment on column sms.auto_blacklist_rule.lasts is 'For how long; null = until a delivery or a person removes it.';
comment on column sms.auto_blacklist_rule.is_enabled is 'False switches it off.';
comment on column sms.auto_blacklist_rule.reason is 'What stands in sms.blacklist.reason.';

-- ---------------------------------------------------------------- inbound

create table sms.inbound (
    inbound_id bigint not null default sms.next_id() primary key,
    received_at timestamptz not null default clock_timestamp(),
    provider_id smallint not null references sms.provider,
    provider_ref text,
    msisdn bigint,
    sender text not null,
    sent_to text,
    body text not null,
    action text check (action in ('stop_advertising', 'stop_all', 'start')),
    unique (provider_id, provider_ref)
);
create index inbound_msisdn on sms.inbound (msisdn, received_at);
comment on table sms.inbound is 'Messages from subscribers. The ERP reads them here; NOTIFY sms_inbound tells when there are new ones.';
comment on column sms.inbound.inbound_id is 'Time-ordered key; a string in JSON.';
comment on column sms.inbound.received_at is 'When we got it.';
comment on column sms.inbound.provider_id is 'Who brought it.';
comment on column sms.inbound.provider_ref is 'The provider''s id; a repeated report is kept once.';
comment on column sms.inbound.msisdn is 'Who wrote; null when the sender is no Russian mobile number.';
comment on column sms.inbound.sender is 'The sender as reported.';
comment on column sms.inbound.sent_to is 'Our number it was sent to.';
comment on column sms.inbound.body is 'The text.';
comment on column sms.inbound.action is 'What was understood: stop_advertising, stop_all, start; null = a message for people.';

create table sms.stop_word (
    word text primary key constraint "a stop word is one word" check (word !~ '\s' and word <> ''),
    meaning text not null check (meaning in ('stop', 'start', 'all'))
);
comment on table sms.stop_word is 'Words by which subscribers opt out. Compared after folding case and Latin look-alikes, see sms.fold_word.';
comment on column sms.stop_word.word is 'The word, in any case.';
comment on column sms.stop_word.meaning is 'stop = opt out of advertising; all = beside a stop word: of everything; start = opt in again.';

-- Installations that have rules already: what is there is the baseline of the kept changes.
insert into sms.rule_change (rule_table, rule_key, action, new)
select 'channel', c.channel_id::text, 'baseline', to_jsonb(c) from sms.channel as c
 union all select 'cap', c.cap_id::text, 'baseline', to_jsonb(c) from sms.cap as c
 union all select 'quiet_hours', q.quiet_hours_id::text, 'baseline', to_jsonb(q) from sms.quiet_hours as q
 union all select 'blacklist', b.blacklist_id::text, 'baseline', to_jsonb(b) from sms.blacklist as b
 union all select 'receipt_code', r.adapter || ' ' || r.code, 'baseline', to_jsonb(r) from sms.receipt_code as r
 union all select 'setting', s.setting, 'baseline', to_jsonb(s) from sms.setting as s;
