-- True for the one worker that shall ask this provider for its balance: nobody did within p_every.
create or replace function sms.take_balance_turn(p_provider text, p_every interval)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := clock_timestamp();
begin
    if exists (select from sms.provider_balance as b
                where b.provider_id = sms.known_provider(p_provider) and b.asked_at > _now - p_every) then
        return false;
    end if;
    insert into sms.provider_balance as b (provider_id, asked_at) values (sms.known_provider(p_provider), _now)
        on conflict (provider_id) do update set asked_at = excluded.asked_at where b.asked_at <= _now - p_every;
    return found;
end
$$;
comment on function sms.take_balance_turn is 'Worker API. Be the one who asks for the balance now.';
revoke execute on function sms.take_balance_turn from public;
