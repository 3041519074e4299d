-- Move messages to the states their receipts bring, forward only: the highest rank of several wins, a lower or equal one
-- changes nothing, and so does a move that sms.state_transition does not know. A message that was never handed over cannot
-- be moved by a receipt, nor can one that another provider carries (sms.counts_late). Returns the ids that moved. Arrays are
-- parallel; a message may occur several times.
create or replace function sms.advance(p_provider_id smallint, p_ids bigint[], p_states text[], p_errors text[], p_now timestamptz)
    returns bigint[]
    language plpgsql volatile
as $$
declare
    _moved bigint[];
    _failed bigint[];
begin
    with best as materialized (
        select distinct on (g.id) g.id, g.state, g.error
          from unnest(p_ids, p_states, p_errors) as g (id, state, error)
         order by g.id, sms.state_rank(g.state) desc
    ), legal as materialized (
        select t.to_state, array_agg(t.from_state) as from_states
          from sms.state_transition as t
         where sms.state_rank(t.from_state) < sms.state_rank(t.to_state)
         group by t.to_state
    ), move as materialized (
        -- in order of id, so that overlapping batches lock rows in one order and cannot deadlock
        select b.id, b.state, b.error, l.from_states
          from best as b
          join legal as l on l.to_state = b.state
         order by b.id
    ), moved as (
        update sms.outcome as o
           set state = b.state,
               submitted_at = coalesce(o.submitted_at, p_now),
               final_at = case when b.state <> 'accepted' then p_now end,
               reason = null,
               detail = case when b.state = 'delivered' then null else b.error end
          from move as b
         where o.id = b.id and o.attempts > 0 and o.state = any (b.from_states)
           and (o.provider_id = p_provider_id or sms.counts_late(o.id, p_provider_id, b.state))
     returning o.id, o.state
    )
    select coalesce(array_agg(m.id), '{}'), array_agg(m.id) filter (where m.state in ('undelivered', 'expired', 'rejected'))
      into _moved, _failed
      from moved as m;
    if _failed is not null then
        perform sms.note_troubles(_failed, p_now);
    end if;
    return _moved;
end
$$;
comment on function sms.advance is 'Move messages forward to what the receipts of their provider say; never back.';
revoke execute on function sms.advance from public;
