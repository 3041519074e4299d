-- Forecasts kept: for the ERP's planning, and for comparing later with what came.

create table sms.forecast (
    made_at timestamptz not null,
    month date not null,
    scenario text not null,
    channel text not null,
    provider text not null,
    messages numeric(14, 1) not null,
    low numeric(14, 1) not null,
    high numeric(14, 1) not null,
    segments numeric(14, 1) not null,
    cost numeric(14, 2),
    made_by text not null default session_user,
    primary key (made_at, month, scenario, channel, provider)
);
comment on table sms.forecast is 'Messages and money foretold by outbox forecast --save: a row for each month, scenario, channel and provider.';
comment on column sms.forecast.made_at is 'When it was made; rows of one forecast share it.';
comment on column sms.forecast.month is 'First day of the month.';
comment on column sms.forecast.scenario is 'as now, all cheap, all dear, or urgent dear, rest cheap.';
comment on column sms.forecast.channel is 'Channel.';
comment on column sms.forecast.provider is 'Provider that would carry it.';
comment on column sms.forecast.messages is 'Expected messages.';
comment on column sms.forecast.low is 'Lower end of the 80 % interval of messages.';
comment on column sms.forecast.high is 'Upper end.';
comment on column sms.forecast.segments is 'Expected segments.';
comment on column sms.forecast.cost is 'Expected cost of segments, in the own currency; null = no tariff holds.';
comment on column sms.forecast.made_by is 'Who made it.';
