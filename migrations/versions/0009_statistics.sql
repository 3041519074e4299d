-- Statistics: sums by the hour and the day in which messages were asked for. A statement that changes outcomes notes the
-- hours it touched; a chore counts those hours again, as a whole, so the sums are always those of a recount.

-- ---------------------------------------------------------------- which hours to count again

create table sms.stat_dirty (
    hour_no int not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table sms.stat_dirty is 'Hours in which an outcome was made or changed since they were last counted. Append-only; emptied by sms.roll_up_statistics.';
comment on column sms.stat_dirty.hour_no is 'Hours since 2020-01-01 UTC of the moment the message was asked for, see sms.stat_hour_no.';

-- ---------------------------------------------------------------- sums

create table sms.stat_hour (
    hour timestamptz not null,
    channel_id smallint not null,
    provider_id smallint not null,
    operator_id smallint not null,
    state text not null,
    reason text not null,
    campaign_id bigint not null,
    template_id int not null,
    messages int not null,
    segments bigint not null,
    cost numeric(14, 4) not null,
    delivery int[],
    primary key (hour, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id)
);
comment on table sms.stat_hour is 'Messages that left the queue, by the hour in which they were asked for. Zero and empty text stand for "none", so that keys compare.';
comment on column sms.stat_hour.hour is 'Begin of the hour in which the ERP inserted them.';
comment on column sms.stat_hour.channel_id is 'Channel.';
comment on column sms.stat_hour.provider_id is 'Provider they were handed to; 0 = none.';
comment on column sms.stat_hour.operator_id is 'Operator that issued the number; -1 = no number.';
comment on column sms.stat_hour.state is 'State.';
comment on column sms.stat_hour.reason is 'Reason; empty = none.';
comment on column sms.stat_hour.campaign_id is 'Campaign; 0 = none.';
comment on column sms.stat_hour.template_id is 'Template; 0 = none.';
comment on column sms.stat_hour.messages is 'How many.';
comment on column sms.stat_hour.segments is 'SMS parts handed over.';
comment on column sms.stat_hour.cost is 'Expected cost, in the currency of the tariff.';
comment on column sms.stat_hour.delivery is 'Delivered ones by the time from hand-over to receipt, see sms.delivery_bucket; null where none is delivered.';

create table sms.stat_day (
    day date not null,
    channel_id smallint not null,
    provider_id smallint not null,
    operator_id smallint not null,
    state text not null,
    reason text not null,
    campaign_id bigint not null,
    template_id int not null,
    messages int not null,
    segments bigint not null,
    cost numeric(14, 4) not null,
    delivery int[],
    primary key (day, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id)
);
comment on table sms.stat_day is 'The same by the day of setting statistics_zone.';
comment on column sms.stat_day.day is 'Day in which the ERP inserted them, in the zone of setting statistics_zone.';
comment on column sms.stat_day.channel_id is 'Channel.';
comment on column sms.stat_day.provider_id is 'Provider; 0 = none.';
comment on column sms.stat_day.operator_id is 'Operator; -1 = no number.';
comment on column sms.stat_day.state is 'State.';
comment on column sms.stat_day.reason is 'Reason; empty = none.';
comment on column sms.stat_day.campaign_id is 'Campaign; 0 = none.';
comment on column sms.stat_day.template_id is 'Template; 0 = none.';
comment on column sms.stat_day.messages is 'How many.';
comment on column sms.stat_day.segments is 'SMS parts handed over.';
comment on column sms.stat_day.cost is 'Expected cost.';
comment on column sms.stat_day.delivery is 'Delivered ones by time to delivery, see sms.delivery_bucket.';

create table sms.stat_month (
    month date not null,
    channel_id smallint not null,
    provider_id smallint not null,
    operator_id smallint not null,
    state text not null,
    reason text not null,
    campaign_id bigint not null,
    template_id int not null,
    messages int not null,
    segments bigint not null,
    cost numeric(14, 4) not null,
    delivery int[],
    primary key (month, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id)
);
comment on table sms.stat_month is 'The same by the month, for months that are over and in which nothing changed for an hour; others are read from sms.stat_day.';
comment on column sms.stat_month.month is 'First day of the month.';
comment on column sms.stat_month.channel_id is 'Channel.';
comment on column sms.stat_month.provider_id is 'Provider; 0 = none.';
comment on column sms.stat_month.operator_id is 'Operator; -1 = no number.';
comment on column sms.stat_month.state is 'State.';
comment on column sms.stat_month.reason is 'Reason; empty = none.';
comment on column sms.stat_month.campaign_id is 'Campaign; 0 = none.';
comment on column sms.stat_month.template_id is 'Template; 0 = none.';
comment on column sms.stat_month.messages is 'How many.';
comment on column sms.stat_month.segments is 'SMS parts handed over.';
comment on column sms.stat_month.cost is 'Expected cost.';
comment on column sms.stat_month.delivery is 'Delivered ones by time to delivery, see sms.delivery_bucket.';

create table sms.stat_region_hour (
    hour timestamptz not null,
    region text not null,
    channel_id smallint not null,
    state text not null,
    messages int not null,
    segments bigint not null,
    cost numeric(14, 4) not null,
    primary key (hour, region, channel_id, state)
);
comment on table sms.stat_region_hour is 'Messages that left the queue by the region that issued their number and the hour. Kept for statistics_hours_months.';
comment on column sms.stat_region_hour.hour is 'Begin of the hour.';
comment on column sms.stat_region_hour.region is 'Region as the numbering plan names it; empty = unknown.';
comment on column sms.stat_region_hour.channel_id is 'Channel.';
comment on column sms.stat_region_hour.state is 'State.';
comment on column sms.stat_region_hour.messages is 'How many.';
comment on column sms.stat_region_hour.segments is 'SMS parts handed over.';
comment on column sms.stat_region_hour.cost is 'Expected cost.';

create table sms.stat_region_day (
    day date not null,
    region text not null,
    channel_id smallint not null,
    state text not null,
    messages int not null,
    segments bigint not null,
    cost numeric(14, 4) not null,
    primary key (day, region, channel_id, state)
);
comment on table sms.stat_region_day is 'The same by the day of setting statistics_zone.';
comment on column sms.stat_region_day.day is 'Day, in the zone of setting statistics_zone.';
comment on column sms.stat_region_day.region is 'Region as the numbering plan names it; empty = unknown.';
comment on column sms.stat_region_day.channel_id is 'Channel.';
comment on column sms.stat_region_day.state is 'State.';
comment on column sms.stat_region_day.messages is 'How many.';
comment on column sms.stat_region_day.segments is 'SMS parts handed over.';
comment on column sms.stat_region_day.cost is 'Expected cost.';

-- ---------------------------------------------------------------- structural: what stored sums were made with

create function sms.stat_hour_no(p_id bigint) returns int
    language sql immutable strict parallel safe
as $$ select ((p_id >> 22) / 3600000)::int $$;
comment on function sms.stat_hour_no is 'The hour in which an id was drawn, counted from 2020-01-01 UTC.';

create function sms.stat_hour_at(p_hour_no int) returns timestamptz
    language sql immutable strict parallel safe
as $$ select timestamptz '2020-01-01 00:00Z' + make_interval(hours => p_hour_no) $$;
comment on function sms.stat_hour_at is 'The moment at which an hour begins, see sms.stat_hour_no.';

create function sms.delivery_bucket(p_took interval) returns int
    language sql immutable parallel safe  -- not strict, or it would be called for every message instead of inlined
as $$
    select case when p_took is not null
                then least(greatest(ceil(4 * ln(greatest(date_part('epoch', p_took), 0.25)) / ln(2::float8) - 1e-9), 0), 79)::int + 1 end
$$;
comment on function sms.delivery_bucket is
    'Which of 80 classes a time to delivery falls in: class n ends at 2^((n - 1) / 4) seconds, 1 s to ten days, each 19 % wider than the one before.';

create function sms.delivery_bucket_ends(p_bucket int) returns interval
    language sql immutable strict parallel safe
as $$ select make_interval(secs => power(2, (p_bucket - 1) / 4.0)::float8) $$;
comment on function sms.delivery_bucket_ends is 'The longest time of a class of sms.delivery_bucket.';

-- What is there already is counted once.
insert into sms.stat_dirty (hour_no) select distinct sms.stat_hour_no(o.id) from sms.outcome as o;
