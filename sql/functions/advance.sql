-- Move messages to the states their receipts bring, forward only: the highest rank of several wins, a lower or equal one
-- changes nothing, and so does a move that sms.state_transition does not know. A message that was never handed over cannot
-- be moved by a receipt. Returns how many messages moved. Arrays are parallel; a message may occur several times.
create or replace function sms.advance(p_ids bigint[], p_states text[], p_errors text[], p_now timestamptz)
    returns int
    language plpgsql volatile
as $$
declare
    _moved int;
begin
    with best as materialized (
        select distinct on (g.id) g.id, g.state, g.error
          from unnest(p_ids, p_states, p_errors) as g (id, state, error)
         order by g.id, sms.state_rank(g.state) desc
    )
    update sms.outcome as o
       set state = b.state,
           submitted_at = coalesce(o.submitted_at, p_now),
           final_at = case when b.state <> 'accepted' then p_now end,
           reason = null,
           detail = case when b.state = 'delivered' then null else b.error end
      from best as b
     where o.id = b.id and o.attempts > 0
       and sms.state_rank(o.state) < sms.state_rank(b.state)
       and exists (select from sms.state_transition as t where t.from_state = o.state and t.to_state = b.state);
    get diagnostics _moved = row_count;
    return _moved;
end
$$;
comment on function sms.advance is 'Move messages forward to what their receipts say; never back.';
revoke execute on function sms.advance from public;
