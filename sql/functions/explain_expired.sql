-- The facts behind the validity of a message: until when, and whether the row or its channel says so.
create or replace function sms.explain_expired(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object(
               'told', 'valid until ' || p_fact.expires_at,
               'expires_at', p_fact.expires_at,
               'from', case when o.expires_at is not null then 'the row' else 'the channel' end,
               'validity', case when o.expires_at is null then ch.validity end,
               'rule', case when o.expires_at is null then sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row' end)
      from sms.outbox as o
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
     where o.id = p_fact.id
$$;
comment on function sms.explain_expired is 'Part of explain: the facts behind rule_expired.';
revoke execute on function sms.explain_expired from public;
