-- The reply that a row was made or withdrawn by, from 'inbound 912…' in its author, or 'login: inbound 912…' where the ERP
-- did it; null for other authors. No text.
create or replace function sms.explain_inbound(p_author text)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object('inbound_id', i.inbound_id::text, 'received_at', i.received_at,
                              'asked', i.action, 'provider', v.provider)
      from (select lpad(substring(p_author from '^(?:.*: )?inbound ([0-9]{1,19})$'), 19, '0') as id) as a
      join sms.inbound as i on i.inbound_id = case when a.id collate "C" <= '9223372036854775807' then a.id::bigint end
      join sms.provider as v on v.provider_id = i.provider_id
$$;
comment on function sms.explain_inbound is 'Part of explain: the subscriber''s reply behind a blacklist row or a withdrawn consent.';
revoke execute on function sms.explain_inbound from public;
