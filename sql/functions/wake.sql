-- Ring for a worker, but only where one sleeps: NOTIFY takes a database-wide lock at commit (14 -> 2.6 thousand
-- small commits/s when every statement rings), so the bell is rung only when a sleeper holds a slot of the gate.
-- A sleeper holds a slot exclusively; getting all slots shared proves that nobody sleeps, and keeps it so until commit.
create or replace function sms.wake(p_urgent boolean, p_bulk boolean)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if p_urgent and sms.somebody_sleeps(0) then
        perform pg_notify('sms_urgent', '');
    end if;
    if p_bulk and sms.somebody_sleeps(1) then
        perform pg_notify('sms_bulk', '');
    end if;
end
$$;
comment on function sms.wake is 'NOTIFY sms_urgent / sms_bulk when a worker sleeps at that gate; silent while all are awake.';
revoke execute on function sms.wake from public;
