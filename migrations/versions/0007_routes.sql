-- Routes, provider health, breakers, pins and the history of lanes.

-- Functions whose arguments change: the files make the new forms.
drop function if exists sms.switch_channel(text, text, text);
drop function if exists sms.list_providers();
drop function if exists sms.choose_due(smallint, int, int, int, timestamptz, boolean);

-- ---------------------------------------------------------------- routes: who may serve a lane, and who is preferred

create table sms.route (
    route_id int primary key generated always as identity,
    channel_id smallint not null references sms.channel on delete cascade,
    operator_id smallint references sms.operator,
    policy text not null default 'ranked'
        constraint "a policy is ranked, cheapest or best_delivered" check (policy in ('ranked', 'cheapest', 'best_delivered')),
    look_back interval not null default '6 hours'
        constraint "look_back is 30 minutes to 30 days" check (look_back between interval '30 minutes' and interval '30 days'),
    prior_share numeric(4, 3) not null default 0.9 constraint "prior_share is 0 to 1" check (prior_share between 0 and 1),
    prior_samples int not null default 100 constraint "prior_samples is 1 or more" check (prior_samples >= 1),
    margin numeric(4, 3) not null default 0.02 constraint "margin is 0 to 1" check (margin between 0 and 1)
);
create unique index route_channel_operator on sms.route (channel_id, (coalesce(operator_id, -1)));
comment on table sms.route is 'Which providers may serve a channel, or its lane to one operator, and which is preferred. No row: the lane stays where it was pointed.';
comment on column sms.route.route_id is 'Key.';
comment on column sms.route.channel_id is 'The channel.';
comment on column sms.route.operator_id is 'Only its lane to this operator; null = all lanes that have no row of their own.';
comment on column sms.route.policy is 'ranked: the lowest rank; cheapest: the lowest price of a segment; best_delivered: the highest share delivered of late. Ties by rank.';
comment on column sms.route.look_back is 'best_delivered: how far back deliveries are counted (the longest of all routes counts for all).';
comment on column sms.route.prior_share is 'best_delivered: the share supposed of a provider nobody knows.';
comment on column sms.route.prior_samples is 'best_delivered: how many deliveries that supposition weighs.';
comment on column sms.route.margin is 'best_delivered: who serves now is left only for a share better by more than this.';

create table sms.route_provider (
    route_id int not null references sms.route on delete cascade,
    provider_id smallint not null references sms.provider,
    rank smallint not null constraint "a rank is 1 to 100" check (rank between 1 and 100),
    primary key (route_id, provider_id),
    constraint "two providers of a route have different ranks" unique (route_id, rank) deferrable
);
comment on table sms.route_provider is 'The providers of a route, in their order.';
comment on column sms.route_provider.route_id is 'The route.';
comment on column sms.route_provider.provider_id is 'A provider that may serve it.';
comment on column sms.route_provider.rank is '1 is the first choice.';

create table sms.delivered_share (
    provider_id smallint not null references sms.provider on delete cascade,
    operator_id smallint not null references sms.operator,
    counted_at timestamptz not null,
    submitted bigint not null,
    delivered bigint not null,
    primary key (provider_id, operator_id)
);
comment on table sms.delivered_share is 'How much of what a provider took for an operator was delivered of late; counted every five minutes while a route is best_delivered.';
comment on column sms.delivered_share.provider_id is 'The provider.';
comment on column sms.delivered_share.operator_id is 'The operator that issued the numbers.';
comment on column sms.delivered_share.counted_at is 'When it was counted.';
comment on column sms.delivered_share.submitted is 'Messages it took, old enough to have their receipt.';
comment on column sms.delivered_share.delivered is 'Of these, reported as delivered.';

-- ---------------------------------------------------------------- what a provider is allowed

create table sms.breaker_policy (
    provider_id smallint primary key references sms.provider on delete cascade,
    watch_window interval not null default '15 seconds'
        constraint "watch_window is 5 seconds to 5 minutes" check (watch_window between interval '5 seconds' and interval '5 minutes'),
    min_samples int not null default 10 constraint "min_samples is 1 or more" check (min_samples >= 1),
    error_share numeric(4, 3) not null default 0.5 constraint "error_share is above 0 and at most 1" check (error_share > 0 and error_share <= 1),
    slow_answer interval not null default '5 seconds'
        constraint "slow_answer is 100 ms to 1 minute" check (slow_answer between interval '100 ms' and interval '1 minute'),
    refuse_for interval not null default '3 seconds'
        constraint "refuse_for is 500 ms to 5 minutes" check (refuse_for between interval '500 ms' and interval '5 minutes'),
    throttle_share numeric(4, 3) not null default 0.5
        constraint "throttle_share is above 0 and at most 1" check (throttle_share > 0 and throttle_share <= 1),
    throttle_for interval not null default '5 seconds'
        constraint "throttle_for is 3 seconds to 9 minutes" check (throttle_for between interval '3 seconds' and interval '9 minutes'),
    cool_down interval not null default '15 seconds' constraint "cool_down is 1 second or more" check (cool_down >= interval '1 second'),
    max_cool_down interval not null default '10 minutes',
    calm interval not null default '10 minutes' constraint "calm is 1 second or more" check (calm >= interval '1 second'),
    probes int not null default 5 constraint "probes is 1 to 100" check (probes between 1 and 100),
    recover_share numeric(4, 3) not null default 0.2 constraint "recover_share is 0 or more" check (recover_share >= 0),
    ramp_lanes int not null default 3 constraint "ramp_lanes is 1 or more" check (ramp_lanes >= 1),
    ramp_every interval not null default '10 seconds'
        constraint "ramp_every is 1 second or more" check (ramp_every >= interval '1 second'),
    constraint "max_cool_down is at least cool_down" check (max_cool_down >= cool_down),
    constraint "recover_share is below error_share" check (recover_share < error_share)
);
comment on table sms.breaker_policy is 'When a provider counts as ill, how long it is left alone, how it comes back. One row a provider, made with it.';
comment on column sms.breaker_policy.provider_id is 'The provider.';
comment on column sms.breaker_policy.watch_window is 'How far back results count.';
comment on column sms.breaker_policy.min_samples is 'So many results, at least, before a share means anything.';
comment on column sms.breaker_policy.error_share is 'Ill from this share of errors, lost and slow answers.';
comment on column sms.breaker_policy.slow_answer is 'An answer slower than this is an error; silence for so long while something waits is illness.';
comment on column sms.breaker_policy.refuse_for is 'Ill when it turned everything away for so long.';
comment on column sms.breaker_policy.throttle_share is 'Throttling slows the pace; where still this share of messages is turned away …';
comment on column sms.breaker_policy.throttle_for is '… after so long, it is illness.';
comment on column sms.breaker_policy.cool_down is 'How long it is left alone at first; doubled each time it fails again.';
comment on column sms.breaker_policy.max_cool_down is 'The longest it is left alone.';
comment on column sms.breaker_policy.calm is 'Well for so long, and the next cool-down is the first one again.';
comment on column sms.breaker_policy.probes is 'Messages it is tried with after the cool-down.';
comment on column sms.breaker_policy.recover_share is 'Well again when at most this share of the probes failed; lanes return only while its errors are no more than this.';
comment on column sms.breaker_policy.ramp_lanes is 'Lanes that return to it in one step, the least urgent first.';
comment on column sms.breaker_policy.ramp_every is 'Time between two such steps.';

create table sms.breaker (
    provider_id smallint primary key references sms.provider on delete cascade,
    state text not null default 'closed' constraint "a breaker is closed, open or half_open" check (state in ('closed', 'open', 'half_open')),
    since timestamptz not null default clock_timestamp(),
    epoch int not null default 0,
    cause text,
    figures text,
    openings int not null default 0,
    retry_at timestamptz,
    probes_left int not null default 0,
    probes_at timestamptz,
    returned_at timestamptz
);
comment on table sms.breaker is 'Whether a provider is used: closed = yes, open = left alone, half_open = being tried with a few messages. Moved by sms.watch_routes.';
comment on column sms.breaker.provider_id is 'The provider.';
comment on column sms.breaker.state is 'closed, open or half_open.';
comment on column sms.breaker.since is 'Since when.';
comment on column sms.breaker.epoch is 'Counts the changes; results of what was submitted in an earlier epoch say nothing about this one.';
comment on column sms.breaker.cause is 'Why: silent, refusing, errors, slow, rejects_all, throttled; cool_down_over; probes_well, probes_failed.';
comment on column sms.breaker.figures is 'What it was judged by.';
comment on column sms.breaker.openings is 'Times it opened without a calm between; the cool-down doubles with each.';
comment on column sms.breaker.retry_at is 'When an open one is tried again.';
comment on column sms.breaker.probes_left is 'Messages that may still be claimed to try a half_open one.';
comment on column sms.breaker.probes_at is 'When probes were last allotted.';
comment on column sms.breaker.returned_at is 'When lanes last returned to it, or it closed.';

create table sms.provider_tally (
    provider_id smallint not null references sms.provider on delete cascade,
    worker text not null,
    epoch int not null,
    bucket_at timestamptz not null,
    reported_at timestamptz not null,
    accepted int not null default 0,
    rejected int not null default 0,
    failed int not null default 0,
    throttled int not null default 0,
    unanswered int not null default 0,
    slow int not null default 0,
    troubles int not null default 0,
    outstanding int not null default 0,
    overdue int not null default 0,
    silence interval not null default '0',
    failing int not null default 0,
    failing_for interval not null default '0',
    times int[] not null default '{}',
    max_ms int not null default 0,
    primary key (provider_id, bucket_at, worker, epoch)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table sms.provider_tally is 'What each worker met at each provider, in steps of two seconds; ten minutes are kept. Counts add up, gauges are the newest.';
comment on column sms.provider_tally.provider_id is 'The provider.';
comment on column sms.provider_tally.worker is 'The worker process.';
comment on column sms.provider_tally.epoch is 'The breaker''s epoch in which the submissions began, as far as the worker knew.';
comment on column sms.provider_tally.bucket_at is 'Start of the two seconds.';
comment on column sms.provider_tally.reported_at is 'When the worker last wrote this row.';
comment on column sms.provider_tally.accepted is 'Messages taken.';
comment on column sms.provider_tally.rejected is 'Messages refused for good: content or number.';
comment on column sms.provider_tally.failed is 'Messages refused for now.';
comment on column sms.provider_tally.throttled is 'Messages turned away through no fault of theirs: too fast, busy, out of reach.';
comment on column sms.provider_tally.unanswered is 'Messages whose answer never came or could not be read.';
comment on column sms.provider_tally.slow is 'Messages answered later than slow_answer.';
comment on column sms.provider_tally.troubles is 'Times it could not be opened or asked at all.';
comment on column sms.provider_tally.outstanding is 'Gauge: messages with the provider right now.';
comment on column sms.provider_tally.overdue is 'Gauge: of these, those whose call has been silent for longer than slow_answer.';
comment on column sms.provider_tally.silence is 'Gauge: how long nothing has been heard while something waited.';
comment on column sms.provider_tally.failing is 'Gauge: failures in a row, nothing accepted between them.';
comment on column sms.provider_tally.failing_for is 'Gauge: how long that row of failures is by now.';
comment on column sms.provider_tally.times is 'Answer times: messages answered within 1, 2, 4, … 16384 ms and later.';
comment on column sms.provider_tally.max_ms is 'The slowest answer.';

-- ---------------------------------------------------------------- lanes: pins, holds, history

alter table sms.lane add column is_held boolean not null default false;
alter table sms.lane add column probed_by smallint references sms.provider;
create index lane_probed_by on sms.lane (probed_by) where probed_by is not null;
comment on column sms.lane.is_held is 'Nobody of its route is well: its messages wait, but for probes.';
comment on column sms.lane.probed_by is 'A half_open provider that may take its probes from this lane.';

create table sms.lane_pin (
    lane_id smallint primary key references sms.lane on delete cascade,
    pinned_at timestamptz not null default clock_timestamp(),
    pinned_by text not null default session_user,
    reason text,
    pinned_until timestamptz,
    return_to smallint references sms.provider on delete set null
);
comment on table sms.lane_pin is 'Lanes that people pointed by hand: routes and breakers leave them alone until the pin ends.';
comment on column sms.lane_pin.lane_id is 'The lane.';
comment on column sms.lane_pin.pinned_at is 'Since when.';
comment on column sms.lane_pin.pinned_by is 'The login that did it.';
comment on column sms.lane_pin.reason is 'Why, in their words.';
comment on column sms.lane_pin.pinned_until is 'When it ends by itself; null: when somebody unpins it.';
comment on column sms.lane_pin.return_to is 'Who served it before; a lane without a route goes back there.';

create table sms.lane_change (
    change_id bigint primary key default sms.next_id(),
    at timestamptz not null default clock_timestamp(),
    lane_id smallint not null,
    channel text not null,
    operator text not null,
    from_provider text,
    to_provider text,
    cause text not null,
    is_automatic boolean not null,
    done_by text not null default session_user,
    acted_as text not null,
    detail text
);
create index lane_change_lane on sms.lane_change (lane_id, change_id);
comment on table sms.lane_change is 'Every change of who serves a lane, with its cause. Written by triggers; never changed.';
comment on column sms.lane_change.change_id is 'Time-ordered key.';
comment on column sms.lane_change.at is 'When.';
comment on column sms.lane_change.lane_id is 'The lane.';
comment on column sms.lane_change.channel is 'Its channel.';
comment on column sms.lane_change.operator is 'Its operator.';
comment on column sms.lane_change.from_provider is 'Who served it; null = parked.';
comment on column sms.lane_change.to_provider is 'Who serves it now; null = parked.';
comment on column sms.lane_change.cause is 'failover, return, disabled, route: by themselves; switched, pinned, pin_ended, by_hand, created: people.';
comment on column sms.lane_change.is_automatic is 'True: no person did it.';
comment on column sms.lane_change.done_by is 'The login.';
comment on column sms.lane_change.acted_as is 'The role it acted as.';
comment on column sms.lane_change.detail is 'A sentence: what was wrong, or the reason given.';

create table sms.breaker_change (
    change_id bigint primary key default sms.next_id(),
    at timestamptz not null default clock_timestamp(),
    provider text not null,
    from_state text not null,
    to_state text not null,
    cause text,
    figures text,
    retry_at timestamptz,
    done_by text not null default session_user
);
create index breaker_change_provider on sms.breaker_change (provider, change_id);
comment on table sms.breaker_change is 'Every change of a breaker, with its cause. Written by a trigger; never changed.';
comment on column sms.breaker_change.change_id is 'Time-ordered key.';
comment on column sms.breaker_change.at is 'When.';
comment on column sms.breaker_change.provider is 'The provider.';
comment on column sms.breaker_change.from_state is 'What it was.';
comment on column sms.breaker_change.to_state is 'What it is now.';
comment on column sms.breaker_change.cause is 'Why, in one word; see sms.breaker.cause.';
comment on column sms.breaker_change.figures is 'What it was judged by.';
comment on column sms.breaker_change.retry_at is 'When an open one is tried again.';
comment on column sms.breaker_change.done_by is 'The login that moved it.';

create table sms.route_notice (
    notice_id bigint primary key default sms.next_id(),
    at timestamptz not null default clock_timestamp(),
    payload jsonb not null,
    tries int not null default 0,
    next_try_at timestamptz not null default clock_timestamp(),
    told_at timestamptz
);
create index route_notice_untold on sms.route_notice (next_try_at) where told_at is null;
comment on table sms.route_notice is 'What NOTIFY sms_route said, and whether the webhook was told. Kept for a week.';
comment on column sms.route_notice.notice_id is 'Time-ordered key.';
comment on column sms.route_notice.at is 'When.';
comment on column sms.route_notice.payload is 'The payload: no phone numbers, no texts.';
comment on column sms.route_notice.tries is 'Times the webhook was tried.';
comment on column sms.route_notice.next_try_at is 'Not before.';
comment on column sms.route_notice.told_at is 'When the webhook took it; null = not yet.';

-- What exists already gets its rows; new providers get them by trigger.
insert into sms.breaker_policy (provider_id) select p.provider_id from sms.provider as p;
insert into sms.breaker (provider_id) select p.provider_id from sms.provider as p;
