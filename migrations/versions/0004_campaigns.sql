-- Campaigns: schedules, runs with frozen recipients, feeding, release, budget.

-- ---------------------------------------------------------------- the campaign

alter table sms.campaign
    add column template text
        constraint "a campaign names a template as name or name@version" check (template ~ '^[a-z][a-z0-9_.-]{0,79}(@[1-9][0-9]{0,5})?$'),
    add column audience text,
    add column channel text not null default 'planned' references sms.channel (channel),
    add column start_at timestamptz,
    add column local_time time,
    add column cron text
        constraint "a cron expression has five fields: minute hour day month weekday"
        check (cron ~ '^[0-9A-Za-z*/,#-]+( +[0-9A-Za-z*/,#-]+){4}$'),
    add column cron_zone text,
    add column missed_runs text not null default 'skip'
        constraint "missed runs are dealt with by skip, once or all" check (missed_runs in ('skip', 'once', 'all')),
    add column per_hour int
        constraint "a campaign sends 1 to 10,000,000 messages an hour" check (per_hour between 1 and 10000000),
    add column ends_at timestamptz,
    add column budget numeric(14, 2)
        constraint "a budget is more than nothing" check (budget > 0),
    add column needs_release boolean not null default false,
    add column released_at timestamptz,
    add column released_by text,
    add column released_digest text,
    add column changed_at timestamptz not null default now(),
    add column changed_by text not null default session_user,
    add constraint "a campaign starts at a moment or by cron, not both" check (num_nonnulls(start_at, cron) < 2),
    add constraint "a cron expression needs its time zone" check ((cron is null) = (cron_zone is null)),
    add constraint "a campaign starts before it ends" check (start_at < ends_at),
    add constraint "a release says who, when and what" check (num_nonnulls(released_at, released_by, released_digest) in (0, 3));
comment on table sms.campaign is 'Template, audience, channel and schedule. Each launch is a run; rows of sms.outbox name the campaign in campaign_id.';
comment on column sms.campaign.template is 'What is sent: a template''s name (its newest version at each launch) or name@version.';
comment on column sms.campaign.audience is 'Who gets it: sms.audience.audience.';
comment on column sms.campaign.channel is 'How it is sent, see sms.channel.';
comment on column sms.campaign.start_at is 'A launch before this moment waits for it; null = at once.';
comment on column sms.campaign.local_time is 'Each recipient''s own clock must come to this time of day first; null = no waiting.';
comment on column sms.campaign.cron is 'Runs again and again: minute hour day month weekday, in cron_zone; null = one run a launch.';
comment on column sms.campaign.cron_zone is 'IANA zone whose clock cron means.';
comment on column sms.campaign.missed_runs is 'Moments that passed while nobody could run them: skip, one run for all of them (once), or a run for each (all).';
comment on column sms.campaign.per_hour is 'At most so many messages an hour; null = as fast as providers allow.';
comment on column sms.campaign.ends_at is 'Nothing is sent from this moment on, and no run begins.';
comment on column sms.campaign.budget is 'Expected cost of one run at most; null = no limit.';
comment on column sms.campaign.needs_release is 'Four eyes: launched only after sms.release_campaign by somebody else than who wrote it.';
comment on column sms.campaign.released_at is 'When it was released.';
comment on column sms.campaign.released_by is 'By whom.';
comment on column sms.campaign.released_digest is 'What was released; changed contents need another release.';
comment on column sms.campaign.changed_at is 'When it was last changed.';
comment on column sms.campaign.changed_by is 'By whom.';

-- ---------------------------------------------------------------- runs

create table sms.campaign_run (
    run_id bigint primary key generated always as identity,
    campaign_id bigint not null references sms.campaign,
    state text not null check (state in ('planned', 'freezing', 'running', 'paused', 'finished', 'stopped', 'failed')),
    template text,
    channel text not null,
    per_hour int,
    ends_at timestamptz,
    begins_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user,
    begun_at timestamptz,
    frozen_at timestamptz,
    finished_at timestamptz,
    recipients bigint not null default 0,
    repeated bigint not null default 0,
    waiting bigint not null default 0,
    unsent bigint not null default 0,
    unsent_reason text references sms.reason,
    reserved numeric not null default 0,
    counted_at timestamptz,
    next_slot timestamptz,
    fed_at timestamptz,
    first_id bigint,
    last_id bigint,
    is_swept boolean not null default false,
    problem text,
    constraint campaign_run_frozen check (state not in ('running', 'finished') or frozen_at is not null),
    constraint campaign_run_unsent check (unsent = 0 or unsent_reason is not null)
);
-- Of one campaign at most one run is under way, and at most one is planned.
create unique index campaign_run_under_way on sms.campaign_run (campaign_id)
 where state in ('freezing', 'running') or (state = 'paused' and begun_at is not null);
create unique index campaign_run_planned on sms.campaign_run (campaign_id)
 where state = 'planned' or (state = 'paused' and begun_at is null);
create index campaign_run_open on sms.campaign_run (state) where state in ('planned', 'freezing', 'running', 'paused');
create index campaign_run_unswept on sms.campaign_run (run_id) where not is_swept and state in ('finished', 'stopped', 'failed');
create index campaign_run_campaign on sms.campaign_run (campaign_id, run_id);
comment on table sms.campaign_run is 'One launch of a campaign, as it was at that moment. Progress: sms.campaign_progress.';
comment on column sms.campaign_run.run_id is 'Key.';
comment on column sms.campaign_run.campaign_id is 'The campaign.';
comment on column sms.campaign_run.state is 'planned (waits for its moment), freezing (its recipients are being collected), running, paused, finished, stopped, failed (see problem).';
comment on column sms.campaign_run.template is 'The text, pinned as name@version when the recipients were frozen.';
comment on column sms.campaign_run.channel is 'The channel, as it was at the launch.';
comment on column sms.campaign_run.per_hour is 'Messages an hour, as at the launch.';
comment on column sms.campaign_run.ends_at is 'When it ends, as at the launch.';
comment on column sms.campaign_run.begins_at is 'The moment it is, or was, to begin; null = the next cron moment, being worked out.';
comment on column sms.campaign_run.created_at is 'When it was launched or planned.';
comment on column sms.campaign_run.created_by is 'By whom; the worker''s login where the schedule did.';
comment on column sms.campaign_run.begun_at is 'When its moment had come and its recipients began to be collected.';
comment on column sms.campaign_run.frozen_at is 'When its recipients were frozen.';
comment on column sms.campaign_run.finished_at is 'When its last message left the queue, or it was stopped.';
comment on column sms.campaign_run.recipients is 'People frozen: one row each, unusable phones included.';
comment on column sms.campaign_run.repeated is 'Further rows of the audience for the same client or number, dropped.';
comment on column sms.campaign_run.waiting is 'Recipients not queued yet.';
comment on column sms.campaign_run.unsent is 'Recipients that were never queued, because the run ended before.';
comment on column sms.campaign_run.unsent_reason is 'Why: campaign_stopped, budget, or expired (ends_at came first).';
comment on column sms.campaign_run.reserved is 'Expected cost so far; kept only with a budget.';
comment on column sms.campaign_run.counted_at is 'When reserved was last counted anew from what really happened.';
comment on column sms.campaign_run.next_slot is 'With per_hour: the moment of the next message.';
comment on column sms.campaign_run.fed_at is 'When messages were last queued.';
comment on column sms.campaign_run.first_id is 'Smallest message id.';
comment on column sms.campaign_run.last_id is 'Largest message id so far.';
comment on column sms.campaign_run.is_swept is 'True when the recipients it left unsent are removed.';
comment on column sms.campaign_run.problem is 'Why it failed or paused by itself, for people.';

create table sms.run_zone (
    run_id bigint not null references sms.campaign_run,
    zone_id smallint not null,
    opens_at timestamptz not null,
    waiting bigint not null,
    fed_up_to bigint not null default 0,
    primary key (run_id, zone_id)
) with (fillfactor = 50);
comment on table sms.run_zone is 'A run''s recipients by time zone: how many wait, and from when they may be queued.';
comment on column sms.run_zone.run_id is 'The run.';
comment on column sms.run_zone.zone_id is 'sms.time_zone; 0 = unknown; -1 = unusable phone or zone, refused when queued.';
comment on column sms.run_zone.opens_at is 'Earliest moment: the local time of the campaign, the end of quiet hours.';
comment on column sms.run_zone.waiting is 'Recipients not queued yet.';
comment on column sms.run_zone.fed_up_to is 'Those up to this recipient_id are queued, so that a look steps over no dead rows.';

-- No foreign keys in these two: a million checks a launch, for rows that only our functions write.
create table sms.run_recipient (
    run_id bigint not null,
    recipient_id bigint not null,
    client_id bigint,
    zone_id smallint not null,
    phone text,
    time_zone text,
    vars jsonb,
    primary key (run_id, zone_id, recipient_id)
);
comment on table sms.run_recipient is 'Recipients of a run that wait; a row leaves when its message is queued (sms.run_message). Written by sms.freeze_run.';
comment on column sms.run_recipient.run_id is 'The run.';
comment on column sms.run_recipient.recipient_id is 'Place in the audience, from 1.';
comment on column sms.run_recipient.client_id is 'The ERP''s client.';
comment on column sms.run_recipient.zone_id is 'Zone, worked out as for any message; -1 = unusable.';
comment on column sms.run_recipient.phone is 'Phone as the audience has it.';
comment on column sms.run_recipient.time_zone is 'Zone as the audience has it; null = none given.';
comment on column sms.run_recipient.vars is 'Values for the template.';

create table sms.run_message (
    run_id bigint not null,
    message_id bigint not null,
    primary key (run_id, message_id)
);
comment on table sms.run_message is 'Messages of a run; their state is in sms.message.';
comment on column sms.run_message.run_id is 'The run.';
comment on column sms.run_message.message_id is 'sms.outbox.id.';

-- What waits of a campaign: counted by the feeder, held by a pause, ended by a stop. Rows without a campaign do not pay for it.
create index pending_campaign on sms.pending (campaign_id, not_before) where campaign_id is not null;

alter table sms.setting add constraint "campaign_queue is a whole number from 1"
    check (setting <> 'campaign_queue' or value ~ '^[1-9][0-9]{0,6}$');

-- Previews may show a part of a large audience, scaled up.
drop function if exists sms.dry_run_report(sms.outbox[], bigint, timestamptz);
drop function if exists sms.work_left(interval, timestamptz);
