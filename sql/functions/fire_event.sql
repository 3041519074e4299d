-- One event, as the ERP tells it: select * from sms.fire_event('late', 1041, '{"amount": 1500}', 'invoice-7').
-- See sms.fire_events, which takes many at once at a fraction of the price.
create or replace function sms.fire_event(
    p_type text, p_client_id bigint, p_vars jsonb default '{}', p_event_key text default null,
    out event_id bigint, out is_new boolean, out message_ids bigint[], out planned int, out cancelled int, out note text
)
    language sql volatile
as $$
    select f.event_id, f.is_new, f.message_ids, f.planned, f.cancelled, f.note
      from sms.fire_events(p_type, array[p_client_id], array[p_vars],
                           case when p_event_key is not null then array[p_event_key] end) as f
$$;
comment on function sms.fire_event is
    'Contract. Tell that something happened to a client: its rules make, plan and take back messages, in this transaction.';
revoke execute on function sms.fire_event from public;
