-- True when a worker holds one of the slots of a gate (0 urgent, 1 bulk); otherwise holds them shared until commit,
-- so that no worker can fall asleep before this transaction is visible.
create or replace function sms.somebody_sleeps(p_gate int)
    returns boolean
    language plpgsql volatile
as $$
begin
    return not (pg_try_advisory_xact_lock_shared(74010 + p_gate, 1) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 2)
            and pg_try_advisory_xact_lock_shared(74010 + p_gate, 3) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 4));
end
$$;
comment on function sms.somebody_sleeps is 'Is a worker asleep at this gate? If not, none can fall asleep before this transaction ends.';
revoke execute on function sms.somebody_sleeps from public;
