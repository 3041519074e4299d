-- Do what replies ask: a stop blacklists the number (for advertising, or for everything), withdraws its consents, and is
-- answered where the setting opt_out_answer has a text; a start lifts the number's own opt-outs. Returns the stops.
-- Only an opt-out that holds for ever and for as much stands for a new row: one that ends, or of one channel, does not.
create or replace function sms.obey_replies(p_inbound_ids bigint[])
    returns int
    language plpgsql volatile
as $$
declare
    _stops int;
    _answer text := (select nullif(s.value, '') from sms.setting as s where s.setting = 'opt_out_answer');
begin
    delete from sms.blacklist as b
     using sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action = 'start' and b.msisdn = i.msisdn and b.source = 'opt_out';

    insert into sms.blacklist (msisdn, category, reason, source, created_at, created_by)
    select distinct on (i.msisdn) i.msisdn, case i.action when 'stop_advertising' then 'advertising' end,
           'asked by message ' || i.inbound_id, 'opt_out', clock_timestamp(), 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%'
       and not exists (select from sms.blacklist as b
                        where b.msisdn = i.msisdn and b.source = 'opt_out' and b.channel is null and b.expires_at is null
                          and (b.category is null or (i.action = 'stop_advertising' and b.category = 'advertising')))
     order by i.msisdn, i.action = 'stop_all' desc;

    update sms.consent as c
       set withdrawn_at = clock_timestamp(), withdrawn_by = 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and c.msisdn = i.msisdn and c.withdrawn_at is null
       and (i.action = 'stop_all' or c.category = 'advertising');

    insert into sms.outbox (channel, phone, body, erp_ref)
    select 'reply', i.msisdn::text, _answer, 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and _answer is not null;

    select count(*) into _stops from sms.inbound as i where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%';
    return _stops;
end
$$;
comment on function sms.obey_replies is 'Blacklist, withdraw consents and answer for opt-outs; lift opt-outs for those who come back.';
revoke execute on function sms.obey_replies from public;
