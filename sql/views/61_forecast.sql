-- The latest forecast beside what came so far: for the ERP's planning.
create or replace view sms.latest_forecast as
    select f.month, f.scenario, f.channel, f.provider, f.messages, f.low, f.high, f.segments, f.cost, f.made_at
      from sms.forecast as f
     where f.made_at = (select max(x.made_at) from sms.forecast as x);
comment on view sms.latest_forecast is 'The forecast made last.';
comment on column sms.latest_forecast.month is 'First day of the month.';
comment on column sms.latest_forecast.scenario is 'as now, all cheap, all dear, or urgent dear, rest cheap.';
comment on column sms.latest_forecast.channel is 'Channel.';
comment on column sms.latest_forecast.provider is 'Provider that would carry it.';
comment on column sms.latest_forecast.messages is 'Expected messages.';
comment on column sms.latest_forecast.low is 'Lower end of the 80 % interval of messages.';
comment on column sms.latest_forecast.high is 'Upper end.';
comment on column sms.latest_forecast.segments is 'Expected segments.';
comment on column sms.latest_forecast.cost is 'Expected cost of segments; null = no tariff holds.';
comment on column sms.latest_forecast.made_at is 'When it was made.';
