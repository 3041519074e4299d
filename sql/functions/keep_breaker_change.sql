-- Trigger on breaker: every change of its state is a row of sms.breaker_change and a notice; workers look again at once.
create or replace function sms.keep_breaker_change()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _provider text := (select p.provider from sms.provider as p where p.provider_id = new.provider_id);
begin
    insert into sms.breaker_change (at, provider, from_state, to_state, cause, figures, retry_at)
    values (new.since, _provider, old.state, new.state, new.cause, new.figures, new.retry_at);
    -- A provider that is tried and fails again is no news for the on-call: they know that it is ill.
    perform sms.announce_route(p_for_people => not (old.state = 'open' or old.state = 'half_open' and new.state = 'open'),
                               p_payload => jsonb_build_object(
        'kind', 'breaker', 'at', new.since, 'provider', _provider, 'from', old.state, 'to', new.state, 'cause', new.cause,
        'figures', new.figures, 'retry_at', new.retry_at));
    perform pg_notify('sms_config', '');
    return null;
end
$$;
comment on function sms.keep_breaker_change is 'Trigger: a breaker moved; keep it with its cause, and tell.';
revoke execute on function sms.keep_breaker_change from public;

create or replace trigger keep_breaker_change after update on sms.breaker
    for each row when (old.state is distinct from new.state) execute function sms.keep_breaker_change();
comment on trigger keep_breaker_change on sms.breaker is 'History of breakers.';
