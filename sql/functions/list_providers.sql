-- Every configured account, how many lanes it serves or probes right now, and whether its breaker lets it.
-- has_backup: some lane would move to another if it fell ill.
create or replace function sms.list_providers()
    returns table (
        provider text, adapter text, settings jsonb, secret_env text, tps numeric, max_batch int, is_enabled boolean, lanes int,
        probed_lanes int, breaker text, epoch int, slow_answer interval,
        has_backup boolean
    )
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select p.provider, p.adapter, p.settings, p.secret_env, p.tps, p.max_batch, p.is_enabled,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id)::int,
           (select count(*) from sms.lane as l where l.probed_by = p.provider_id)::int,
           b.state, b.epoch, k.slow_answer,
           exists (select
                     from sms.lane as l
                     join sms.route as r on r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null)
                     join sms.route_provider as v on v.route_id = r.route_id and v.provider_id <> l.provider_id
                    where l.provider_id = p.provider_id
                      and not exists (select from sms.lane_pin as n where n.lane_id = l.lane_id))
      from sms.provider as p
      join sms.breaker as b on b.provider_id = p.provider_id
      join sms.breaker_policy as k on k.provider_id = p.provider_id
     order by p.provider
$$;
comment on function sms.list_providers is 'Accounts with their settings, the lanes each serves now, and its breaker.';
revoke execute on function sms.list_providers from public;
