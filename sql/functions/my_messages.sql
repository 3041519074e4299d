-- Those of these messages that this login may see: all, unless it is confined to channels.
create or replace function sms.my_messages(p_ids bigint[])
    returns bigint[]
    language plpgsql stable set enable_seqscan = off
as $$
declare
    _channels text[] := sms.my_channels();
begin
    if _channels is null then
        return p_ids;
    end if;
    return array(select o.id from sms.outbox as o where o.id = any (p_ids) and o.channel = any (_channels));
end
$$;
comment on function sms.my_messages is 'Those of these messages that this login may see.';
revoke execute on function sms.my_messages from public;
