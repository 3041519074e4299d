-- Keep a forecast; arrays are parallel, a row for each month, scenario, channel and provider. Returns when it was made,
-- by which its rows are found.
create or replace function sms.save_forecast(
    p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[],
    p_highs numeric[], p_segments numeric[], p_costs numeric[]
)
    returns timestamptz
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _made_at timestamptz := clock_timestamp();
begin
    insert into sms.forecast (made_at, month, scenario, channel, provider, messages, low, high, segments, cost)
    select _made_at, f.*
      from unnest(p_months, p_scenarios, p_channels, p_providers, p_messages, p_lows, p_highs, p_segments, p_costs) as f;
    return _made_at;
end
$$;
comment on function sms.save_forecast is 'Keep a forecast in sms.forecast.';
revoke execute on function sms.save_forecast from public;
