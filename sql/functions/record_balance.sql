-- What a provider says is left. The moment it falls below its limit, and the moment it is back, are rows of sms.activity and
-- told like a change of routes: NOTIFY sms_route and the webhook. Returns fell, back or null.
create or replace function sms.record_balance(p_provider text, p_amount numeric, p_currency text)
    returns text
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := clock_timestamp();
    _old sms.provider_balance;
    _new sms.provider_balance;
    _facts jsonb;
begin
    insert into sms.provider_balance (provider_id) values (sms.known_provider(p_provider)) on conflict do nothing;
    select * into _old from sms.provider_balance as b where b.provider_id = sms.known_provider(p_provider) for update;
    update sms.provider_balance as b
       set at = _now, amount = p_amount, currency = p_currency,
           is_low = coalesce(p_amount < b.warn_below, false),
           low_since = case when p_amount < b.warn_below then coalesce(b.low_since, _now) end
     where b.provider_id = _old.provider_id
 returning * into _new;
    if _new.is_low = _old.is_low then
        return null;
    end if;
    _facts := jsonb_build_object('amount', p_amount, 'currency', p_currency, 'warn_below', _new.warn_below);
    perform sms.log_activity(case when _new.is_low then 'balance low' else 'balance back' end, 'provider', p_provider, _facts);
    perform sms.announce_route(_facts || jsonb_build_object('kind', case when _new.is_low then 'balance_low' else 'balance_back' end,
                                                            'provider', p_provider, 'at', _now));
    return case when _new.is_low then 'fell' else 'back' end;
end
$$;
comment on function sms.record_balance is 'Worker API. Keep the balance a provider tells; say so when it falls below its limit.';
revoke execute on function sms.record_balance from public;
