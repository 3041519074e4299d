-- Money as it is spent, by the minute it is spent in, and budgets that warn and stop.

-- What the provider billed goes with the result.
drop function if exists sms.settle(bigint, bigint[], text[], smallint[], text[], int[], bigint[], text[]);

-- ---------------------------------------------------------------- a ledger of money

create table sms.spend (
    day date not null,
    channel_id smallint not null,
    campaign_id bigint,
    amount numeric(14, 4) not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table sms.spend is 'Expected cost of what was just handed over: a row for each settle, channel and campaign. Folded into sms.spend_day by a chore; together they are the ledger.';
comment on column sms.spend.day is 'Day of the hand-over, in the zone of setting statistics_zone.';
comment on column sms.spend.channel_id is 'Channel.';
comment on column sms.spend.campaign_id is 'Campaign, if any.';
comment on column sms.spend.amount is 'Expected cost, in the own currency.';

create table sms.spend_day (
    day date not null,
    channel_id smallint not null,
    campaign_id bigint not null,
    amount numeric(16, 4) not null,
    primary key (day, channel_id, campaign_id)
);
comment on table sms.spend_day is 'Expected cost of what was handed over, by day, channel and campaign: the folded part of the ledger.';
comment on column sms.spend_day.day is 'Day of the hand-over, in the zone of setting statistics_zone.';
comment on column sms.spend_day.channel_id is 'Channel.';
comment on column sms.spend_day.campaign_id is 'Campaign; 0 = none.';
comment on column sms.spend_day.amount is 'Expected cost, in the own currency.';

-- ---------------------------------------------------------------- budgets

create table sms.budget (
    budget_id int primary key generated always as identity,
    budget text not null unique constraint "a budget has a name" check (btrim(budget) <> ''),
    channel text references sms.channel (channel),
    campaign_id bigint references sms.campaign,
    month date constraint "a month is named by its first day" check (extract(day from month) = 1),
    amount numeric(14, 2) not null constraint "a budget is not negative" check (amount >= 0),
    warn_at numeric(3, 2) not null default 0.8
        constraint "warn_at is a share between 0 and 1" check (warn_at between 0 and 1),
    stops boolean not null default true,
    warned_for date,
    stopped_for date,
    created_at timestamptz not null default now(),
    created_by text not null default session_user
);
comment on table sms.budget is 'How much may be spent: by a channel, by a campaign, or by all, in one month or in each. Used up, messages end as suppressed (budget).';
comment on column sms.budget.budget_id is 'Key.';
comment on column sms.budget.budget is 'Name, for messages and logs.';
comment on column sms.budget.channel is 'Only this channel; null = every.';
comment on column sms.budget.campaign_id is 'Only this campaign; null = every and none.';
comment on column sms.budget.month is 'Only this month; null = each month anew, for a campaign all its life.';
comment on column sms.budget.amount is 'Amount, in the own currency.';
comment on column sms.budget.warn_at is 'Share at which to warn.';
comment on column sms.budget.stops is 'Whether it stops messages when used up, or only warns.';
comment on column sms.budget.warned_for is 'Begin of the span for which it warned already.';
comment on column sms.budget.stopped_for is 'Begin of the span for which it told that it is used up.';
comment on column sms.budget.created_at is 'When.';
comment on column sms.budget.created_by is 'Who.';

-- Messages handed over before the ledger began.
insert into sms.spend_day (day, channel_id, campaign_id, amount)
select (o.submitted_at at time zone 'Europe/Moscow')::date, l.channel_id, coalesce(o.campaign_id, 0), sum(o.cost)
  from sms.outcome as o
  join sms.lane as l using (lane_id)
 where o.submitted_at is not null and o.cost > 0
 group by 1, 2, 3;

-- Every settle asks for the day in this zone: a name that is none would stop all settling.
alter table sms.setting add constraint "statistics_zone is a time zone and statistics_hours_months a whole number" check (
    case setting when 'statistics_zone' then timezone(value, timestamptz '2020-01-01 00:00Z') is not null
                 when 'statistics_hours_months' then value ~ '^\d{1,5}$'
                 else true end);
