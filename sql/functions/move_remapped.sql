-- Put messages into the states their receipts mean under the corrected map, and log each: the trigger on outcome allows
-- exactly the moves that this transaction has logged. What depends on the state follows: troubles of numbers, polling.
create or replace function sms.move_remapped(p_ids bigint[], p_states text[], p_errors text[], p_now timestamptz)
    returns void
    language plpgsql volatile set enable_seqscan = off
as $$
begin
    insert into sms.receipt_remap (at, done_by, message_id, old_state, new_state)
    select p_now, session_user, o.id, o.state, g.state
      from unnest(p_ids, p_states) as g (id, state)
      join sms.outcome as o on o.id = g.id;
    update sms.outcome as o
       set state = g.state,
           reason = null,
           submitted_at = coalesce(o.submitted_at, p_now),
           final_at = case when g.state <> 'accepted' then coalesce(o.final_at, p_now) end,
           detail = case when g.state <> 'delivered' then g.error end
      from unnest(p_ids, p_states, p_errors) as g (id, state, error)
     where o.id = g.id;
    delete from sms.number_trouble as t
     where t.message_id in (select g.id from unnest(p_ids, p_states) as g (id, state)
                             where g.state not in ('undelivered', 'expired', 'rejected'));
    perform sms.note_troubles(p_ids, p_now);
    insert into sms.overdue (id, provider_id, next_poll_at)
    select o.id, o.provider_id, p_now
      from unnest(p_ids, p_states) as g (id, state)
      join sms.outcome as o on o.id = g.id
      join sms.provider_asking as a on a.provider_id = o.provider_id and a.collected_until is not null
     where g.state = 'accepted'
        on conflict (id) do nothing;
end
$$;
comment on function sms.move_remapped is 'Move messages to what a corrected map makes of their receipts, and log each.';
revoke execute on function sms.move_remapped from public;
