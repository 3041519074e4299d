-- The call that began at p_asked_at is over: the next may begin as soon as the provider's pace allows.
create or replace function sms.end_turn(p_provider text, p_asked_at timestamptz)
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    update sms.provider_asking as a
       set busy_until = '-infinity'
     where a.provider_id = sms.known_provider(p_provider) and a.asked_at = p_asked_at
$$;
comment on function sms.end_turn is 'Worker API. The question is answered; give the turn back.';
revoke execute on function sms.end_turn from public;
