-- Messages from subscribers. Each is kept once (by provider and its reference), opt-outs blacklist the number and withdraw
-- its consents at once, so that they reach messages already queued; the ERP is told by NOTIFY sms_inbound.
-- Arrays are parallel. Commit before answering the provider. Returns how many were new and how many opted out.
create or replace function sms.record_inbound(
    p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]
)
    returns table (stored int, opted_out int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _provider_id smallint;
    _ids bigint[];
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    with kept as (
        insert into sms.inbound (provider_id, provider_ref, msisdn, sender, sent_to, body, action)
        select _provider_id, g.ref, sms.normalize_msisdn(g.sender), g.sender, g.sent_to, g.body,
               case when sms.normalize_msisdn(g.sender) is not null then sms.understand_reply(g.body) end
          from unnest(p_refs, p_senders, p_sent_tos, p_bodies) as g (ref, sender, sent_to, body)
            on conflict (provider_id, provider_ref) do nothing
     returning inbound_id
    )
    select array_agg(k.inbound_id) into _ids from kept as k;
    stored := coalesce(cardinality(_ids), 0);
    opted_out := case when stored > 0 then sms.obey_replies(_ids) else 0 end;
    if stored > 0 then
        perform pg_notify('sms_inbound', '');
    end if;
    return next;
end
$$;
comment on function sms.record_inbound is 'Receipt API. Keep messages from subscribers, obey opt-outs, tell the ERP.';
revoke execute on function sms.record_inbound from public;
