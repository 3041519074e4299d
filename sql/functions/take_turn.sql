-- Take the turn to ask a provider (look-ups and polls share it): true when nobody asked it within p_every and no call is
-- under way. The row is the lease of the question: it holds over a network call, where a lock would keep a transaction open.
create or replace function sms.take_turn(p_provider_id smallint, p_every interval, p_hold interval, p_now timestamptz)
    returns boolean
    language plpgsql volatile
as $$
begin
    insert into sms.provider_asking as a (provider_id, asked_at, busy_until)
    values (p_provider_id, p_now, p_now + p_hold)
        on conflict (provider_id) do update
           set asked_at = excluded.asked_at, busy_until = excluded.busy_until
         where a.asked_at <= p_now - p_every and a.busy_until <= p_now;
    return found;
end
$$;
comment on function sms.take_turn is 'Be the one who asks a provider now.';
revoke execute on function sms.take_turn from public;
