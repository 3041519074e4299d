-- Money: volume steps of tariffs, monthly fees, what providers billed.

-- ---------------------------------------------------------------- volume steps

alter table sms.tariff
    add column from_segments bigint not null default 0
        constraint "a step begins at 0 segments or more" check (from_segments >= 0),
    drop constraint tariff_no_overlap,
    add constraint "two tariffs of the same scope and step overlap in time" exclude using gist (
        provider_id with =, (coalesce(operator_id, -1)) with =, (coalesce(category, '')) with =, from_segments with =,
        tstzrange(valid_from, valid_until) with &&);
comment on column sms.tariff.from_segments is
    'The price holds from this many segments of the calendar month on, counted over what the row covers; 0 = from the first.';

create table sms.month_volume (
    month date not null,
    provider_id smallint not null,
    operator_id smallint not null,
    category text not null,
    segments bigint not null,
    counted_at timestamptz not null,
    primary key (month, provider_id, operator_id, category)
);
comment on table sms.month_volume is 'Segments handed over in a month, for the steps of tariffs; refreshed with the statistics, so a step is noticed within about a minute.';
comment on column sms.month_volume.month is 'First day of the month, in the zone of setting statistics_zone.';
comment on column sms.month_volume.provider_id is 'Provider.';
comment on column sms.month_volume.operator_id is 'Operator; -1 = no number.';
comment on column sms.month_volume.category is 'Category.';
comment on column sms.month_volume.segments is 'Segments.';
comment on column sms.month_volume.counted_at is 'When.';

-- ---------------------------------------------------------------- monthly fees

create table sms.monthly_fee (
    fee_id int primary key generated always as identity,
    provider_id smallint not null references sms.provider,
    operator_id smallint references sms.operator,
    kind text not null check (kind in ('sender', 'template', 'account')),
    subject text not null default '',
    amount numeric(12, 2) not null constraint "a fee is not negative" check (amount >= 0),
    currency text not null default 'RUB' check (currency ~ '^[A-Z]{3}$'),
    valid_from date not null,
    valid_until date not null default 'infinity',
    constraint "a fee ends after it began" check (valid_from < valid_until),
    constraint "a sender's or template's fee names it" check (kind = 'account' or btrim(subject) <> ''),
    constraint "two fees for the same overlap in time" exclude using gist (
        provider_id with =, (coalesce(operator_id, -1)) with =, kind with =, subject with =,
        daterange(valid_from, valid_until) with &&)
);
comment on table sms.monthly_fee is 'What a provider charges a month for a sender name, a registered template or the account, whatever is sent. A month that it touches is charged whole.';
comment on column sms.monthly_fee.fee_id is 'Key.';
comment on column sms.monthly_fee.provider_id is 'Who charges it.';
comment on column sms.monthly_fee.operator_id is 'For which operator''s network; null = for all together.';
comment on column sms.monthly_fee.kind is 'sender, template or account.';
comment on column sms.monthly_fee.subject is 'The sender name or template; empty for the account.';
comment on column sms.monthly_fee.amount is 'Amount a calendar month.';
comment on column sms.monthly_fee.currency is 'ISO 4217.';
comment on column sms.monthly_fee.valid_from is 'First day.';
comment on column sms.monthly_fee.valid_until is 'First day no more.';

-- ---------------------------------------------------------------- billed

alter table sms.outcome add column billed_cost numeric(12, 4);
comment on column sms.outcome.billed_cost is 'What the provider says it charged, where it says so; null = unknown. The expected cost is in cost.';
alter table sms.stat_hour add column billed numeric(14, 4) not null default 0,
                          add column billed_messages int not null default 0,
                          add column billed_expected numeric(14, 4) not null default 0;
comment on column sms.stat_hour.billed_expected is 'What those were expected to cost.';
comment on column sms.stat_hour.billed is 'What providers said they charged.';
comment on column sms.stat_hour.billed_messages is 'For how many messages they said so.';
alter table sms.stat_day add column billed numeric(14, 4) not null default 0,
                         add column billed_messages int not null default 0,
                         add column billed_expected numeric(14, 4) not null default 0;
comment on column sms.stat_day.billed_expected is 'What those were expected to cost.';
comment on column sms.stat_day.billed is 'What providers said they charged.';
comment on column sms.stat_day.billed_messages is 'For how many messages they said so.';

-- ---------------------------------------------------------------- currencies

create table sms.exchange_rate (
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    valid_from date not null,
    rate numeric(14, 6) not null constraint "a rate is positive" check (rate > 0),
    primary key (currency, valid_from)
);
comment on table sms.exchange_rate is 'What one unit of a foreign currency is worth in the currency of setting currency, in which all money is counted.';
comment on column sms.exchange_rate.currency is 'ISO 4217.';
comment on column sms.exchange_rate.valid_from is 'From this day on, until the next row.';
comment on column sms.exchange_rate.rate is 'Units of the own currency for one.';
