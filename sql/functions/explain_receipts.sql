-- Every delivery report about one message, by our id or by the provider's references, in order of arrival; also those of
-- providers that do not have it, which moved nothing.
create or replace function sms.explain_receipts(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'receipt', case when f.receipt_id is null then coalesce(r.state, 'progress') else 'ignored' end, null,
           'code ' || r.code || coalesce(', ' || r.error, '') || coalesce(' (' || c.meaning || ')', '')
               || case when f.receipt_id is null then ''
                       when e.message_id is null then '; it never had this message'
                       else '; it had the message before, of which only a delivery counts' end, r.received_at,
           jsonb_build_object('provider', v.provider, 'occurred_at', r.occurred_at, 'provider_ref', r.provider_ref)
      from sms.receipt as r
      left join sms.provider as v on v.provider_id = r.provider_id
      left join sms.foreign_receipt as f on f.receipt_id = r.receipt_id
      left join sms.earlier_carrier as e on e.message_id = f.message_id and e.provider_id = f.provider_id
      left join sms.receipt_code as c on c.adapter = v.adapter and c.code = r.code
     where r.receipt_id >= p_id
       and (r.message_id = p_id
            or r.provider_ref in (select x.ref from sms.provider_ref as x where x.id = p_id and x.provider_id = r.provider_id))
$$;
comment on function sms.explain_receipts is 'Part of explain: the delivery reports about a message.';
revoke execute on function sms.explain_receipts from public;
