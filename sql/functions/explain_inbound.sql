-- The reply that a row was made or withdrawn by, from 'inbound 912…' in its author, or 'login: inbound 912…' where the ERP
-- did it; null for other authors. No text.
create or replace function sms.explain_inbound(p_author text)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object('inbound_id', i.inbound_id::text, 'received_at', i.received_at,
                              'asked', i.action, 'provider', v.provider)
      from sms.inbound as i
      join sms.provider as v on v.provider_id = i.provider_id
     where i.inbound_id = substring(p_author from '^(?:.*: )?inbound (\d{1,18})$')::bigint
$$;
comment on function sms.explain_inbound is 'Part of explain: the subscriber''s reply behind a blacklist row or a withdrawn consent.';
revoke execute on function sms.explain_inbound from public;
