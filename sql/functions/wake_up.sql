-- Give the slot back after waking up.
create or replace function sms.wake_up(p_gate int, p_slot int)
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select pg_advisory_unlock(74010 + p_gate, p_slot) $$;
comment on function sms.wake_up is 'Worker API. Release the slot taken by try_sleep.';
revoke execute on function sms.wake_up from public;
