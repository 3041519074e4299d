-- Every configured account and how many lanes it serves right now.
create or replace function sms.list_providers()
    returns table (provider text, adapter text, settings jsonb, secret_env text, tps numeric, max_batch int, is_enabled boolean, lanes int)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select p.provider, p.adapter, p.settings, p.secret_env, p.tps, p.max_batch, p.is_enabled,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id)::int
      from sms.provider as p
     order by p.provider
$$;
comment on function sms.list_providers is 'Accounts with their settings and the number of lanes each serves now.';
revoke execute on function sms.list_providers from public;
