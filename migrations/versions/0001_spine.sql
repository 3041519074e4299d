-- The tables of the spine. Applied once by 0001_spine.py; later changes are later revisions.
-- Functions, views, seeds and grants are not here: they are re-applied on every migration.

create schema sms;
comment on schema sms is 'The SMS outbox: what was asked, what waits, what happened, and the rules in between.';
create schema geo;
comment on schema geo is 'Points on the map: metro stations and where clients live.';

create extension if not exists postgis;
create extension if not exists btree_gist;

-- ---------------------------------------------------------------- structural functions
-- Used by defaults, constraints and partition bounds, so they live here and not in sql/functions.

create sequence sms.id_seq as int minvalue 0 maxvalue 4194303 cache 32 cycle;
comment on sequence sms.id_seq is 'Low 22 bits of an id; wraps, the milliseconds above it keep ids unique.';

create function sms.id_at(p_at timestamptz) returns bigint
    language sql immutable strict parallel safe
as $$
    -- clamped, so that infinity gives the smallest and the largest id there can be
    select ((date_part('epoch', least(greatest(p_at, timestamptz '1960-01-01 00:00Z'), timestamptz '2089-01-01 00:00Z')) * 1000)::bigint
            - 1577836800000) << 22
$$;
comment on function sms.id_at is 'The smallest id of a moment: milliseconds since 2020-01-01 UTC, shifted left 22 bits.';

create function sms.id_time(p_id bigint) returns timestamptz
    language sql immutable strict parallel safe
as $$ select to_timestamp(((p_id >> 22) + 1577836800000) / 1000.0) $$;
comment on function sms.id_time is 'The moment an id was drawn, to the millisecond.';

create function sms.next_id() returns bigint
    language sql volatile parallel unsafe
as $$ select (((date_part('epoch', clock_timestamp()) * 1000)::bigint - 1577836800000) << 22) | nextval('sms.id_seq') $$;
comment on function sms.next_id is 'A new time-ordered id. Exceeds 2^53: in JSON and HTML it is a string.';

create function sms.state_rank(p_state text) returns smallint
    language sql immutable parallel safe   -- not strict: strict with a CASE is not inlined, 3 µs a call
as $$
    select case p_state
        when 'pending' then 0 when 'inflight' then 1 when 'uncertain' then 2 when 'accepted' then 3
        when 'suppressed' then 5 when 'cancelled' then 5 when 'failed' then 5
        when 'expired' then 5 when 'rejected' then 5 when 'undelivered' then 5
        when 'delivered' then 6 end::smallint
$$;
comment on function sms.state_rank is
    'Receipts move a message only to a higher rank. The same numbers as sms.state.rank, inlined because every receipt asks.';

-- ---------------------------------------------------------------- vocabulary

create table sms.state (
    state text primary key,
    rank smallint not null,
    is_final boolean not null,
    meaning text not null
);
comment on table sms.state is 'The states a message can be in. docs/states.md draws them.';
comment on column sms.state.state is 'The word shown in sms.message.state.';
comment on column sms.state.rank is 'Receipts only move a message to a higher rank.';
comment on column sms.state.is_final is 'True when nothing more is expected to happen.';
comment on column sms.state.meaning is 'What it means for the ERP and the subscriber.';

create table sms.state_transition (
    from_state text not null references sms.state,
    to_state text not null references sms.state,
    cause text not null,
    primary key (from_state, to_state)
);
comment on table sms.state_transition is 'Every move a message may make, and who causes it. A move that is not here fails.';
comment on column sms.state_transition.from_state is 'State before.';
comment on column sms.state_transition.to_state is 'State after.';
comment on column sms.state_transition.cause is 'The function or event that makes the move.';

create table sms.reason (
    reason text primary key,
    rank smallint not null,
    meaning text not null
);
comment on table sms.reason is 'Why a message was suppressed, deferred, cancelled or failed.';
comment on column sms.reason.reason is 'The code shown in sms.message.reason.';
comment on column sms.reason.rank is 'Rule order: of several reasons the lowest rank decides.';
comment on column sms.reason.meaning is 'One sentence for people.';

create table sms.category (
    category text primary key,
    title text not null
);
comment on table sms.category is 'Legal kind of a message; quiet hours, caps and blacklist entries may be limited to one.';
comment on column sms.category.category is 'transactional, service, advertising, authorization, collection.';
comment on column sms.category.title is 'For people.';

-- ---------------------------------------------------------------- channels, providers, lanes

create table sms.channel (
    channel_id smallint primary key generated always as identity,
    channel text not null unique check (channel ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text not null,
    category text not null references sms.category,
    priority smallint not null check (priority between 0 and 3),
    sender_id text check (char_length(sender_id) between 1 and 15),
    time_zone text,
    dedup_window interval not null default '0' check (dedup_window >= '0'),
    validity interval not null default '24 hours' check (validity > '0'),
    max_attempts smallint not null default 5 check (max_attempts between 1 and 100),
    retry_base interval not null default '15 seconds' check (retry_base > '0'),
    on_uncertain text not null default 'hold' check (on_uncertain in ('hold', 'resend', 'give_up')),
    uncertain_after interval not null default '6 hours' check (uncertain_after > '0')
);
comment on table sms.channel is 'A traffic class the ERP names in sms.outbox.channel: its priority, sender and rules.';
comment on column sms.channel.channel_id is 'Narrow key used by the hot tables.';
comment on column sms.channel.channel is 'The name the ERP writes.';
comment on column sms.channel.title is 'For people.';
comment on column sms.channel.category is 'Legal kind; see sms.category.';
comment on column sms.channel.priority is '0 is urgent, 3 is bulk; smaller is sooner. A row may lower its own, never raise it.';
comment on column sms.channel.sender_id is 'What the handset shows unless the row says otherwise; null = the provider''s default.';
comment on column sms.channel.time_zone is 'IANA zone assumed when neither row nor number tells one; null = unknown, so only when every Russian zone allows it.';
comment on column sms.channel.dedup_window is 'The same text to the same number within this span is one message; 0 switches it off.';
comment on column sms.channel.validity is 'How long after its earliest moment a message is still worth sending, unless the row has expires_at.';
comment on column sms.channel.max_attempts is 'Submissions tried before the message ends failed.';
comment on column sms.channel.retry_base is 'First pause between attempts; doubles each time, with jitter, at most one hour.';
comment on column sms.channel.on_uncertain is 'What happens to an uncertain message after uncertain_after: hold (wait for a person), resend, give_up.';
comment on column sms.channel.uncertain_after is 'How long an uncertain message waits for a receipt before on_uncertain applies.';

create table sms.provider (
    provider_id smallint primary key generated always as identity,
    provider text not null unique check (provider ~ '^[a-z][a-z0-9_]{0,39}$'),
    adapter text not null,
    settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    secret_env text check (secret_env ~ '^[A-Z][A-Z0-9_]*$'),
    tps numeric(9, 2) not null default 30 check (tps > 0),
    max_batch int not null default 500 check (max_batch between 1 and 1000),
    is_enabled boolean not null default true
);
comment on table sms.provider is 'A configured account at a provider.';
comment on column sms.provider.provider_id is 'Narrow key used by the hot tables.';
comment on column sms.provider.provider is 'Its name in sms.message.provider, in commands and in callback URLs.';
comment on column sms.provider.adapter is 'Which software dialect: an entry point of the group sms.providers (fake, kannel, …).';
comment on column sms.provider.settings is 'The adapter''s settings. Never secrets.';
comment on column sms.provider.secret_env is 'Name of the environment variable that holds the secret.';
comment on column sms.provider.tps is 'Segments per second that each worker process may submit; with several processes give each its share.';
comment on column sms.provider.max_batch is 'Most messages in one claim for this provider.';
comment on column sms.provider.is_enabled is 'False: workers claim nothing for it.';

create table sms.operator (
    operator_id smallint primary key,
    operator text not null unique check (operator ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text not null
);
comment on table sms.operator is 'Mobile operators that get lanes of their own; all others share ''other'' (id 0).';
comment on column sms.operator.operator_id is 'Narrow key; 0 is ''other''.';
comment on column sms.operator.operator is 'Name in sms.message.operator.';
comment on column sms.operator.title is 'For people.';

create table sms.operator_tax_id (
    inn text primary key check (inn ~ '^\d{10}(\d{2})?$'),
    operator_id smallint not null references sms.operator
);
comment on table sms.operator_tax_id is 'Tax id (ИНН) in the numbering plan to operator; names there are spelled in many ways, tax ids are not.';
comment on column sms.operator_tax_id.inn is 'ИНН, 10 digits (12 for a person).';
comment on column sms.operator_tax_id.operator_id is 'The operator.';

create table sms.lane (
    lane_id smallint primary key generated always as identity,
    channel_id smallint not null references sms.channel,
    operator_id smallint not null references sms.operator,
    provider_id smallint references sms.provider,
    unique (channel_id, operator_id)
);
create index lane_provider_id on sms.lane (provider_id);
comment on table sms.lane is 'Where a message waits: channel × operator, and which provider serves it now. Re-pointing a lane moves its queue at once.';
comment on column sms.lane.lane_id is 'Narrow key used by the hot tables.';
comment on column sms.lane.channel_id is 'The channel.';
comment on column sms.lane.operator_id is 'The operator that issued the number.';
comment on column sms.lane.provider_id is 'Who serves it now; null = parked, nobody claims from it.';

create table sms.tariff (
    tariff_id int primary key generated always as identity,
    provider_id smallint not null references sms.provider,
    operator_id smallint references sms.operator,
    category text references sms.category,
    price numeric(10, 4) not null check (price >= 0),
    currency text not null default 'RUB' check (currency ~ '^[A-Z]{3}$'),
    valid_from timestamptz not null default '-infinity',
    valid_until timestamptz not null default 'infinity',
    check (valid_from < valid_until),
    constraint tariff_no_overlap exclude using gist (
        provider_id with =, (coalesce(operator_id, -1)) with =, (coalesce(category, '')) with =,
        tstzrange(valid_from, valid_until) with &&)
);
comment on table sms.tariff is 'Price of one segment. The most specific row wins: operator and category, operator, category, any.';
comment on column sms.tariff.tariff_id is 'Key.';
comment on column sms.tariff.provider_id is 'The provider that charges it.';
comment on column sms.tariff.operator_id is 'Limited to numbers of this operator; null = any.';
comment on column sms.tariff.category is 'Limited to this kind of message; null = any.';
comment on column sms.tariff.price is 'Money per segment.';
comment on column sms.tariff.currency is 'ISO 4217.';
comment on column sms.tariff.valid_from is 'First moment it holds.';
comment on column sms.tariff.valid_until is 'First moment it holds no more.';

create table sms.setting (
    setting text primary key,
    value text not null,
    meaning text not null
);
comment on table sms.setting is 'Switches of the whole installation.';
comment on column sms.setting.setting is 'Name.';
comment on column sms.setting.value is 'Value as text.';
comment on column sms.setting.meaning is 'What it does, with its unit.';

-- ---------------------------------------------------------------- numbers and zones

create table sms.time_zone (
    zone_id smallint primary key,
    name text not null unique,
    members text[] not null check (cardinality(members) > 0)
);
create sequence sms.zone_id_seq as smallint owned by sms.time_zone.zone_id;
alter table sms.time_zone alter column zone_id set default nextval('sms.zone_id_seq');
comment on sequence sms.zone_id_seq is 'Zone ids; 0 is reserved for ''unknown''.';
comment on table sms.time_zone is 'Zones a subscriber may live in. Several members = could be any of them, so a window must be open in all.';
comment on column sms.time_zone.zone_id is 'Narrow key; 0 is ''unknown'': every Russian zone is possible.';
comment on column sms.time_zone.name is 'IANA name, or names joined by + for a region of several zones.';
comment on column sms.time_zone.members is 'The IANA zones it may be.';

create table sms.region_timezone (
    region text primary key,
    time_zone text,
    other_time_zones text[] not null default '{}',
    iso_3166_2 text
);
comment on table sms.region_timezone is 'Subject of the federation, as spelled in the numbering plan, to its time zone.';
comment on column sms.region_timezone.region is 'Name as in the column «Территория ГАР».';
comment on column sms.region_timezone.time_zone is 'IANA zone; null = unknown.';
comment on column sms.region_timezone.other_time_zones is 'Further zones of the same subject.';
comment on column sms.region_timezone.iso_3166_2 is 'ISO 3166-2 code where there is one.';

create table sms.number_range (
    -- A loose index: the probe "lo <= x, last first" checks every entry of its page before the one it wants (1.5 µs a row).
    lo bigint primary key with (fillfactor = 10),
    hi bigint not null,
    operator_id smallint not null default 0 references sms.operator,
    zone_id smallint not null default 0 references sms.time_zone,
    operator_title text not null default '',
    region text not null default '',
    inn text not null default '',
    check (lo <= hi),
    constraint number_range_no_overlap exclude using gist (int8range(lo, hi, '[]') with &&)
);
comment on table sms.number_range is 'The numbering plan: who was issued 79161234567, and what time it is there. Imported by ''outbox import numbering''.';
comment on column sms.number_range.lo is 'First number, E.164 without the plus.';
comment on column sms.number_range.hi is 'Last number, inclusive.';
comment on column sms.number_range.operator_id is 'Operator group by tax id.';
comment on column sms.number_range.zone_id is 'Zone of the region; 0 = unknown.';
comment on column sms.number_range.operator_title is 'Operator as the plan spells it.';
comment on column sms.number_range.region is 'Region as the plan spells it.';
comment on column sms.number_range.inn is 'Operator''s tax id.';

create unlogged table sms.number_range_staging (
    lo bigint, hi bigint, operator_title text, region text, inn text, line_no int
);
comment on table sms.number_range_staging is 'A numbering file on its way in; emptied by sms.replace_numbering().';
comment on column sms.number_range_staging.lo is 'First number.';
comment on column sms.number_range_staging.hi is 'Last number.';
comment on column sms.number_range_staging.operator_title is 'Operator as spelled.';
comment on column sms.number_range_staging.region is 'Region as spelled.';
comment on column sms.number_range_staging.inn is 'Tax id.';
comment on column sms.number_range_staging.line_no is 'Line of the file.';

-- ---------------------------------------------------------------- rules as data

create table sms.blacklist (
    blacklist_id bigint primary key generated always as identity,
    msisdn bigint check (msisdn between 1000000 and 999999999999999),
    prefix text check (prefix ~ '^\d{1,15}$'),
    category text references sms.category,
    channel text references sms.channel (channel),
    reason text not null,
    source text not null default 'manual' check (source in ('manual', 'import', 'auto', 'opt_out', 'legal')),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    created_by text not null default session_user,
    constraint blacklist_number_or_prefix check (num_nonnulls(msisdn, prefix) = 1)
);
create index blacklist_msisdn on sms.blacklist (msisdn) where msisdn is not null;
create index blacklist_prefix on sms.blacklist (length(prefix), prefix) where prefix is not null;
comment on table sms.blacklist is 'Who must not be messaged. insert (msisdn, reason) is enough; takes effect at the next claim, also on rows already queued.';
comment on column sms.blacklist.blacklist_id is 'Key.';
comment on column sms.blacklist.msisdn is 'One number, E.164 without the plus.';
comment on column sms.blacklist.prefix is 'Or every number that begins with these digits.';
comment on column sms.blacklist.category is 'Only messages of this category; null = any.';
comment on column sms.blacklist.channel is 'Only messages of this channel; null = any.';
comment on column sms.blacklist.reason is 'Why, for people.';
comment on column sms.blacklist.source is 'How it got here: manual, import, auto, opt_out, legal.';
comment on column sms.blacklist.expires_at is 'When it ends; null = never.';
comment on column sms.blacklist.created_at is 'Since when.';
comment on column sms.blacklist.created_by is 'Who entered it.';

create table sms.cap (
    cap_id int primary key generated always as identity,
    channel text references sms.channel (channel),
    category text references sms.category,
    period text not null check (period in ('day', 'week', 'month', 'rolling')),
    span interval check (span > '0' and span <= '366 days'),
    max_messages int not null check (max_messages >= 0),
    reason text not null default '',
    constraint cap_span_for_rolling check ((period = 'rolling') = (span is not null))
);
comment on table sms.cap is 'At most max_messages to one number per period. Counted over what was handed over or may have been.';
comment on column sms.cap.cap_id is 'Key.';
comment on column sms.cap.channel is 'Applies to, and counts, this channel; null = not limited to one.';
comment on column sms.cap.category is 'Applies to, and counts, this category; null = not limited to one.';
comment on column sms.cap.period is 'day, week (ISO), month: calendar of the subscriber''s zone; rolling: the last span.';
comment on column sms.cap.span is 'Length of a rolling period.';
comment on column sms.cap.max_messages is 'How many are allowed.';
comment on column sms.cap.reason is 'Why it exists: a law, a promise.';

create table sms.quiet_hours (
    quiet_hours_id int primary key generated always as identity,
    category text not null references sms.category,
    iso_weekday smallint check (iso_weekday between 1 and 7),
    quiet_from time not null,
    quiet_until time not null,
    reason text not null default '',
    constraint quiet_hours_not_empty check (quiet_from <> quiet_until)
);
comment on table sms.quiet_hours is 'Local hours of silence per category. They defer a message to the first allowed moment, they do not suppress it.';
comment on column sms.quiet_hours.quiet_hours_id is 'Key.';
comment on column sms.quiet_hours.category is 'The messages it silences.';
comment on column sms.quiet_hours.iso_weekday is '1 = Monday … 7 = Sunday, the day on which the silence begins; null = every day.';
comment on column sms.quiet_hours.quiet_from is 'Local time at which silence begins.';
comment on column sms.quiet_hours.quiet_until is 'Local time at which it ends; earlier than quiet_from = next morning.';
comment on column sms.quiet_hours.reason is 'Why it exists.';

-- ---------------------------------------------------------------- texts

create table sms.template (
    template_id int primary key generated always as identity,
    template text not null unique check (template ~ '^[a-z][a-z0-9_.-]{0,79}$'),
    title text not null default ''
);
comment on table sms.template is 'Named texts. Its newest version is used; earlier ones stay.';
comment on column sms.template.template_id is 'Key.';
comment on column sms.template.template is 'The name the ERP writes in sms.outbox.template.';
comment on column sms.template.title is 'For people.';

create table sms.template_version (
    template_version_id int primary key generated always as identity,
    template_id int not null references sms.template,
    body text not null check (char_length(body) between 1 and 1000),
    created_at timestamptz not null default now(),
    created_by text not null default session_user
);
create index template_version_template_id on sms.template_version (template_id, template_version_id desc);
comment on table sms.template_version is 'One wording of a template. Edit by inserting a new version; a message keeps the version it was made from.';
comment on column sms.template_version.template_version_id is 'Key; the highest of a template is current.';
comment on column sms.template_version.template_id is 'Which template.';
comment on column sms.template_version.body is 'Text with {{variable}} and {{variable|default}}.';
comment on column sms.template_version.created_at is 'When it was written.';
comment on column sms.template_version.created_by is 'By whom.';

-- ---------------------------------------------------------------- the outbox: what was asked

create table sms.outbox (
    id bigint not null default sms.next_id() primary key,
    created_at timestamptz not null default clock_timestamp(),
    channel text not null default 'single',
    phone text,
    body text,
    template text,
    vars jsonb,
    erp_ref text check (char_length(erp_ref) between 1 and 200),
    client_id bigint,
    priority smallint check (priority between 0 and 3),
    not_before timestamptz,
    expires_at timestamptz,
    time_zone text,
    sender_id text check (char_length(sender_id) between 1 and 15),
    campaign_id bigint
) partition by range (id);
create index outbox_erp_ref on sms.outbox (erp_ref) where erp_ref is not null;
comment on table sms.outbox is 'One row is one request by the ERP. INSERT is the hand-over: committed = sent once, or suppressed with a reason in sms.message. Never updated.';
comment on column sms.outbox.id is 'Time-ordered id, given by default.';
comment on column sms.outbox.created_at is 'When the row was inserted.';
comment on column sms.outbox.channel is 'Traffic class, see sms.channel. An unknown one is an error that lists the known.';
comment on column sms.outbox.phone is 'The phone as the ERP has it; dirty spellings are understood, unusable ones end suppressed with a reason.';
comment on column sms.outbox.body is 'The text, up to 1,000 characters. Or give template and vars.';
comment on column sms.outbox.template is 'Name of a template; its current version is used.';
comment on column sms.outbox.vars is 'Values for the template''s {{variables}}, a flat JSON object.';
comment on column sms.outbox.erp_ref is 'Idempotency key: of several rows with one key at most one is sent, the others end suppressed(duplicate_ref).';
comment on column sms.outbox.client_id is 'The ERP''s client, for caps, campaigns and reports.';
comment on column sms.outbox.priority is 'Lowers the channel''s priority for this row (larger = later); cannot raise it.';
comment on column sms.outbox.not_before is 'Earliest moment to send; null = now.';
comment on column sms.outbox.expires_at is 'After this it is not sent; null = the channel''s validity.';
comment on column sms.outbox.time_zone is 'IANA zone of the subscriber; wins over what the number tells.';
comment on column sms.outbox.sender_id is 'What the handset shows; null = the channel''s.';
comment on column sms.outbox.campaign_id is 'The campaign this row belongs to.';

-- ---------------------------------------------------------------- the three places a message can be

create table sms.pending (
    id bigint not null,
    msisdn bigint not null,
    not_before timestamptz not null,
    expires_at timestamptz not null,
    dedup_key bigint not null,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id int,
    lane_id smallint not null,
    zone_id smallint not null,
    priority smallint not null,
    attempt smallint not null default 0,
    constraint pending_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000, fillfactor = 90);
create index pending_claim on sms.pending (lane_id, priority, not_before, id);
comment on table sms.pending is 'Messages that wait: due now, or at not_before. A row here IS in state pending.';
comment on column sms.pending.id is 'sms.outbox.id.';
comment on column sms.pending.msisdn is 'Normalised number, E.164 without the plus.';
comment on column sms.pending.not_before is 'Earliest moment of the next try: schedule, quiet hours or retry pause.';
comment on column sms.pending.expires_at is 'After this it is suppressed as expired.';
comment on column sms.pending.dedup_key is '64-bit hash of the content.';
comment on column sms.pending.ref_hash is '64-bit hash of erp_ref; null without one.';
comment on column sms.pending.client_id is 'sms.outbox.client_id.';
comment on column sms.pending.campaign_id is 'sms.outbox.campaign_id.';
comment on column sms.pending.template_version_id is 'The wording that was current when the row came in.';
comment on column sms.pending.lane_id is 'Where it waits.';
comment on column sms.pending.zone_id is 'The subscriber''s zone.';
comment on column sms.pending.priority is '0 urgent … 3 bulk.';
comment on column sms.pending.attempt is 'Submissions already tried.';

create table sms.inflight (
    id bigint not null primary key,
    claim_id bigint not null,
    msisdn bigint not null,
    claimed_at timestamptz not null,
    lease_until timestamptz not null,
    expires_at timestamptz not null,
    dedup_key bigint not null,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id int,
    provider_id smallint not null,
    lane_id smallint not null,
    zone_id smallint not null,
    priority smallint not null,
    attempt smallint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table sms.inflight is 'Messages leased to one worker under a claim_id. A row here IS in state inflight.';
comment on column sms.inflight.id is 'sms.outbox.id.';
comment on column sms.inflight.claim_id is 'The lease and its fence: only the holder may settle.';
comment on column sms.inflight.msisdn is 'Normalised number.';
comment on column sms.inflight.claimed_at is 'When it was claimed; also the time in sms.contact_log.';
comment on column sms.inflight.lease_until is 'Unsettled at this moment: back to pending, or uncertain when it was marked as submitting.';
comment on column sms.inflight.expires_at is 'Carried for a return to pending.';
comment on column sms.inflight.dedup_key is 'Carried for a return to pending.';
comment on column sms.inflight.ref_hash is 'Carried for a return to pending.';
comment on column sms.inflight.client_id is 'Carried for a return to pending.';
comment on column sms.inflight.campaign_id is 'Carried for a return to pending.';
comment on column sms.inflight.template_version_id is 'Carried for a return to pending.';
comment on column sms.inflight.provider_id is 'The provider it is being handed to.';
comment on column sms.inflight.lane_id is 'Its lane.';
comment on column sms.inflight.zone_id is 'Carried for a return to pending.';
comment on column sms.inflight.priority is 'Carried for a return to pending.';
comment on column sms.inflight.attempt is 'Number of this attempt, from 1.';

create table sms.outcome (
    id bigint not null primary key,
    msisdn bigint,
    decided_at timestamptz not null,
    submitted_at timestamptz,
    final_at timestamptz,
    client_id bigint,
    campaign_id bigint,
    cost numeric(12, 4),
    template_version_id int,
    provider_id smallint,
    lane_id smallint,
    zone_id smallint,
    segments smallint,
    attempts smallint not null default 0,
    state text not null,
    reason text,
    detail text,
    reasons text[],
    constraint outcome_state check (state in
        ('suppressed', 'cancelled', 'accepted', 'delivered', 'undelivered', 'expired', 'rejected', 'failed', 'uncertain')),
    constraint outcome_suppressed_has_reason check (state <> 'suppressed' or reason is not null),
    constraint outcome_final_has_time check (state in ('accepted', 'uncertain') or final_at is not null)
) partition by range (id);
-- Rows come in the order of decided_at, so a summary of page ranges finds recent ones; it costs nothing and keeps updates HOT.
create index outcome_decided_at on sms.outcome using brin (decided_at) with (pages_per_range = 32, autosummarize = on);
comment on table sms.outcome is 'One row a message that left the queue. State moves forward only, by receipts.';
comment on column sms.outcome.id is 'sms.outbox.id.';
comment on column sms.outcome.msisdn is 'Normalised number; null when there was none.';
comment on column sms.outcome.decided_at is 'When it left the queue.';
comment on column sms.outcome.submitted_at is 'When the provider took it; null when it was not submitted.';
comment on column sms.outcome.final_at is 'When its final state became known.';
comment on column sms.outcome.client_id is 'sms.outbox.client_id.';
comment on column sms.outcome.campaign_id is 'sms.outbox.campaign_id.';
comment on column sms.outcome.cost is 'Expected cost at submission by sms.tariff; null when no tariff covers it.';
comment on column sms.outcome.template_version_id is 'The wording it was made from.';
comment on column sms.outcome.provider_id is 'Who it was handed to.';
comment on column sms.outcome.lane_id is 'The lane it left.';
comment on column sms.outcome.zone_id is 'The zone it was judged in.';
comment on column sms.outcome.segments is 'SMS parts submitted.';
comment on column sms.outcome.attempts is 'Submissions tried.';
comment on column sms.outcome.state is 'See sms.state.';
comment on column sms.outcome.reason is 'Why, for suppressed, cancelled and failed; see sms.reason.';
comment on column sms.outcome.detail is 'The facts in words: which row, which limit, the provider''s code.';
comment on column sms.outcome.reasons is 'All reasons that applied, in rule order, when there were several.';

create table sms.claim (
    claim_id bigint not null primary key,
    claimed_at timestamptz not null,
    provider_id smallint not null,
    worker text not null
);
create index claim_claimed_at on sms.claim (claimed_at);
comment on table sms.claim is 'Which worker made a claim; kept for an hour after its messages are settled.';
comment on column sms.claim.claim_id is 'The claim.';
comment on column sms.claim.claimed_at is 'When.';
comment on column sms.claim.provider_id is 'For which provider.';
comment on column sms.claim.worker is 'The worker''s name, see the setting worker_name.';

create table sms.submitting (
    claim_id bigint not null,
    marked_at timestamptz not null,
    ids bigint[] not null
);
create index submitting_claim_id on sms.submitting (claim_id);
comment on table sms.submitting is 'Committed before bytes leave: these messages may be at the provider. A lease that ends without a mark is safe to retry.';
comment on column sms.submitting.claim_id is 'The claim.';
comment on column sms.submitting.marked_at is 'When it was marked.';
comment on column sms.submitting.ids is 'The messages about to be handed over.';

create table sms.doubtful (
    id bigint not null primary key,
    since timestamptz not null
);
comment on table sms.doubtful is 'Messages that became uncertain and have not been looked at since they stopped being so; a chore empties it.';
comment on column sms.doubtful.id is 'The message; its state is in sms.outcome.';
comment on column sms.doubtful.since is 'Since when it is, or was, uncertain.';

create table sms.erp_ref (
    ref_hash bigint primary key,
    id bigint not null
);
comment on table sms.erp_ref is 'Owner of each idempotency key, claimed when a message is first judged.';
comment on column sms.erp_ref.ref_hash is '64-bit hash of sms.outbox.erp_ref; the text is compared on conflict.';
comment on column sms.erp_ref.id is 'The message that owns it.';

create table sms.contact_log (
    msisdn bigint not null,
    at timestamptz not null,
    dedup_key bigint not null,
    message_id bigint not null,
    client_id bigint,
    channel_id smallint not null
) partition by range (at);
create index contact_log_probe on sms.contact_log (msisdn, at, dedup_key, channel_id);
comment on table sms.contact_log is 'Who was contacted when: caps and duplicate windows are counts over it. Appended by the claim, taken back only on definite non-submission.';
comment on column sms.contact_log.msisdn is 'The number.';
comment on column sms.contact_log.at is 'When it was claimed for sending.';
comment on column sms.contact_log.dedup_key is 'Hash of the content.';
comment on column sms.contact_log.message_id is 'The message.';
comment on column sms.contact_log.client_id is 'The ERP''s client.';
comment on column sms.contact_log.channel_id is 'The channel.';

-- ---------------------------------------------------------------- receipts

create table sms.provider_ref (
    id bigint not null,
    provider_id smallint not null,
    ref text not null,
    part smallint not null default 1,
    parts smallint not null default 1,
    state text
) partition by range (id);
create index provider_ref_ref on sms.provider_ref (provider_id, ref);
create index provider_ref_id on sms.provider_ref using brin (id) with (pages_per_range = 16);
create index provider_ref_parts on sms.provider_ref (id) where parts > 1;
comment on table sms.provider_ref is 'The provider''s own ids of a message, one per segment where it gives several.';
comment on column sms.provider_ref.id is 'sms.outbox.id.';
comment on column sms.provider_ref.provider_id is 'The provider.';
comment on column sms.provider_ref.ref is 'Its id, as normalised by the adapter.';
comment on column sms.provider_ref.part is 'Segment number from 1.';
comment on column sms.provider_ref.parts is 'Into how many segments with ids of their own the message went.';
comment on column sms.provider_ref.state is 'What the receipts said of this segment; kept only where there are several.';

create table sms.receipt_code (
    adapter text not null,
    code text not null,
    state text references sms.state,
    meaning text not null,
    primary key (adapter, code)
);
comment on table sms.receipt_code is 'What a provider''s status code means to us. Data, so that a wrong mapping can be corrected.';
comment on column sms.receipt_code.adapter is 'The dialect.';
comment on column sms.receipt_code.code is 'The code as the adapter reports it.';
comment on column sms.receipt_code.state is 'Our state; null = progress only, nothing changes.';
comment on column sms.receipt_code.meaning is 'For people.';

create table sms.receipt (
    receipt_id bigint not null default sms.next_id(),
    received_at timestamptz not null,
    occurred_at timestamptz,
    message_id bigint,
    provider_id smallint not null,
    code text not null,
    error text,
    state text,
    provider_ref text,
    raw text
) partition by range (receipt_id);
create index receipt_message_id on sms.receipt using brin (message_id) with (pages_per_range = 16);
comment on table sms.receipt is 'Every delivery report as received, append-only.';
comment on column sms.receipt.receipt_id is 'Time-ordered key.';
comment on column sms.receipt.received_at is 'When we got it.';
comment on column sms.receipt.occurred_at is 'The provider''s own time, where it gives one.';
comment on column sms.receipt.message_id is 'Our message, when it was known at arrival.';
comment on column sms.receipt.provider_id is 'Who reported.';
comment on column sms.receipt.code is 'The provider''s status code.';
comment on column sms.receipt.error is 'The provider''s error code or text.';
comment on column sms.receipt.state is 'Our state by sms.receipt_code; null = progress or unmapped.';
comment on column sms.receipt.provider_ref is 'The provider''s id of the message.';
comment on column sms.receipt.raw is 'The report as it came, without texts.';

create table sms.unmatched_receipt (
    receipt_id bigint primary key,
    received_at timestamptz not null,
    message_id bigint,
    provider_id smallint not null,
    provider_ref text,
    state text not null,
    error text,
    constraint unmatched_receipt_key check (num_nonnulls(message_id, provider_ref) > 0)
);
create index unmatched_receipt_message_id on sms.unmatched_receipt (message_id) where message_id is not null;
create index unmatched_receipt_ref on sms.unmatched_receipt (provider_id, provider_ref) where provider_ref is not null;
comment on table sms.unmatched_receipt is 'Receipts that overtook the submit answer, or whose message is not known yet. Matched by settle or by the chore.';
comment on column sms.unmatched_receipt.receipt_id is 'sms.receipt.receipt_id.';
comment on column sms.unmatched_receipt.received_at is 'When we got it.';
comment on column sms.unmatched_receipt.message_id is 'Our message, when the report names it.';
comment on column sms.unmatched_receipt.provider_id is 'Who reported.';
comment on column sms.unmatched_receipt.provider_ref is 'The provider''s id, when the report names only that.';
comment on column sms.unmatched_receipt.state is 'The state it brings.';
comment on column sms.unmatched_receipt.error is 'The provider''s error.';

-- ---------------------------------------------------------------- geo

create table geo.metro_station (
    station_id bigint primary key generated always as identity,
    city text not null,
    line text not null,
    name text not null,
    location geography(Point, 4326) not null,
    closed_at date,
    unique (city, line, name)
);
create index metro_station_location on geo.metro_station using gist (location);
comment on table geo.metro_station is 'A metro station on a line; an interchange has a row per line.';
comment on column geo.metro_station.station_id is 'Key.';
comment on column geo.metro_station.city is 'City.';
comment on column geo.metro_station.line is 'Line.';
comment on column geo.metro_station.name is 'Name in Russian.';
comment on column geo.metro_station.location is 'A point of it, WGS 84; sources differ by 20 to 250 m.';
comment on column geo.metro_station.closed_at is 'Since when it is closed; null = open.';

create table geo.client_location (
    client_id bigint primary key,
    location geography(Point, 4326) not null,
    city text,
    updated_at timestamptz not null default now()
);
create index client_location_location on geo.client_location using gist (location);
comment on table geo.client_location is 'Where a client lives.';
comment on column geo.client_location.client_id is 'The ERP''s client.';
comment on column geo.client_location.location is 'Point, WGS 84.';
comment on column geo.client_location.city is 'Town, for people.';
comment on column geo.client_location.updated_at is 'When it was last set.';

-- ---------------------------------------------------------------- what rules take and answer

create type sms.candidate as (
    id bigint, msisdn bigint, not_before timestamptz, expires_at timestamptz, dedup_key bigint, ref_hash bigint,
    client_id bigint, campaign_id bigint, template_version_id int,
    lane_id smallint, channel_id smallint, zone_id smallint, priority smallint, attempt smallint,
    nth int, nth_key int, tid tid
);
comment on type sms.candidate is 'The facts of one message, as rules take them: arrays of these, half the price of fetching by id. nth, nth_key: earlier rows of the same number, and of the same number and text, in this batch.';

create type sms.finding as (
    id bigint, rank smallint, verdict text, reason text, detail text, not_before timestamptz
);
comment on type sms.finding is 'A rule''s objection to one message; no row = no objection. verdict: suppress, defer (until not_before) or wait (ask again at the next claim).';
