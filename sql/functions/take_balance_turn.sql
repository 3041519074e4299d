-- True for the one worker that shall ask this provider for its balance: nobody did within p_every, and a lane leads to it, tries
-- it, or would move to it by its route. Of an account that nothing leads to nobody is asked anything.
create or replace function sms.take_balance_turn(p_provider text, p_every interval)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
begin
    if not exists (select from sms.lane as l where _provider_id in (l.provider_id, l.probed_by))
       and not exists (select from sms.route_provider as v where v.provider_id = _provider_id) then
        return false;
    end if;
    if exists (select from sms.provider_balance as b
                where b.provider_id = _provider_id and b.asked_at > _now - p_every) then
        return false;
    end if;
    insert into sms.provider_balance as b (provider_id, asked_at) values (_provider_id, _now)
        on conflict (provider_id) do update set asked_at = excluded.asked_at where b.asked_at <= _now - p_every;
    return found;
end
$$;
comment on function sms.take_balance_turn is 'Worker API. Be the one who asks for the balance now.';
revoke execute on function sms.take_balance_turn from public;
