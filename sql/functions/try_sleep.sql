-- Take a slot of a gate (0 urgent, 1 bulk) before sleeping: its number, or null when every slot is busy just now.
-- A session lock: call it on the LISTEN connection, after LISTEN, and look at the queue once more before waiting.
create or replace function sms.try_sleep(p_gate int)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    for _slot in 1..4 loop
        if pg_try_advisory_lock(74010 + p_gate, _slot) then
            return _slot;
        end if;
    end loop;
    return null;
end
$$;
comment on function sms.try_sleep is 'Worker API. Hold a slot of the sleep gate, so that the next insert rings; null = try again shortly.';
revoke execute on function sms.try_sleep from public;
