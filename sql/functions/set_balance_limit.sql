-- Warn when less than p_warn_below is left at this provider; null: never. Holds from the next time it is asked.
create or replace function sms.set_balance_limit(p_provider text, p_warn_below numeric)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.provider_balance as b (provider_id, warn_below) values (sms.known_provider(p_provider), p_warn_below)
        on conflict (provider_id) do update set warn_below = excluded.warn_below, asked_at = '-infinity';
    perform sms.log_activity('changed', 'provider', p_provider, jsonb_build_object('warn_below', p_warn_below));
end
$$;
comment on function sms.set_balance_limit is 'Say from which balance on people want to be warned.';
revoke execute on function sms.set_balance_limit from public;
