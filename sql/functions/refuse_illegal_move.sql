-- Trigger on outcome: every change of state must be a row of sms.state_transition, or be logged in sms.receipt_remap by the
-- same transaction. One check a statement, not a row.
-- Without nested loops: the limit tempts the planner to join the two transition tables row by row (46 against 13 µs a receipt).
create or replace function sms.refuse_illegal_move()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
declare
    _move record;
begin
    select b.state as from_state, a.state as to_state into _move
      from before_rows as b
      join after_rows as a on a.id = b.id
     where a.state <> b.state
       and not exists (select from sms.state_transition as t where t.from_state = b.state and t.to_state = a.state)
     limit 1;
    if found then
        select b.state as from_state, a.state as to_state into _move
          from before_rows as b
          join after_rows as a on a.id = b.id
         where a.state <> b.state
           and not exists (select from sms.state_transition as t where t.from_state = b.state and t.to_state = a.state)
           and not exists (select from sms.receipt_remap as r
                            where r.transaction_id = pg_current_xact_id() and r.message_id = a.id
                              and r.old_state = b.state and r.new_state = a.state)
         limit 1;
    end if;
    if found then
        raise exception 'a message cannot go from % to %', _move.from_state, _move.to_state
            using errcode = 'SM007', hint = 'The moves are in sms.state_transition.';
    end if;
    return null;
end
$$;
comment on function sms.refuse_illegal_move is 'Trigger: only moves in sms.state_transition.';
revoke execute on function sms.refuse_illegal_move from public;

create or replace trigger refuse_illegal_move after update on sms.outcome
    referencing old table as before_rows new table as after_rows
    for each statement execute function sms.refuse_illegal_move();
comment on trigger refuse_illegal_move on sms.outcome is 'State moves only as sms.state_transition says.';
