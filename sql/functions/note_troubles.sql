-- Remember messages that failed for good, by number, for automatic blacklisting. Few messages fail, so this costs little.
create or replace function sms.note_troubles(p_ids bigint[], p_now timestamptz)
    returns void
    language sql volatile
as $$
    insert into sms.number_trouble (message_id, msisdn, at, provider_id, state, error)
    select o.id, o.msisdn, p_now, o.provider_id, o.state, o.detail
      from sms.outcome as o
     where o.id = any (p_ids) and o.state in ('undelivered', 'expired', 'rejected')
       and o.msisdn is not null and o.provider_id is not null
        on conflict (message_id) do nothing
$$;
comment on function sms.note_troubles is 'Remember failed messages by number.';
revoke execute on function sms.note_troubles from public;
