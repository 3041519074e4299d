-- Whether the channel needs a consent, and the newest twenty of the number or client for its category, with their proof.
create or replace function sms.explain_consent(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    with known as (
        select k.consent_id,
               k.valid_from <= p_as_of and coalesce(k.valid_until > p_as_of, true)
                   and coalesce(k.withdrawn_at > p_as_of, true) as holds,
               jsonb_build_object(
                   'consent_id', k.consent_id, 'of', case when k.msisdn is null then 'the client' else 'the number' end,
                   'proof', k.proof, 'valid_from', k.valid_from, 'valid_until', k.valid_until,
                   'withdrawn_at', k.withdrawn_at, 'withdrawn_by', k.withdrawn_by,
                   'inbound', sms.explain_inbound(k.withdrawn_by),
                   'rule', sms.rule_version('consent', k.consent_id::text, p_as_of) - 'row') as line
          from sms.channel as ch
          join sms.consent as k
            on k.category = ch.category and (k.msisdn = p_fact.msisdn or k.client_id = p_fact.client_id)
         where ch.channel_id = p_fact.channel_id
         order by k.consent_id desc
         limit 20
    )
    select jsonb_build_object(
               'told', case when coalesce(ch.needs_consent, true) then 'a consent holds' else 'the channel needs none' end,
               'needs_consent', coalesce(ch.needs_consent, true),
               'category', ch.category,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'consents', (select jsonb_agg(k.line || jsonb_build_object('holds', k.holds) order by k.holds desc, k.consent_id)
                              from known as k))
      from (values (1)) as one
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
$$;
comment on function sms.explain_consent is 'Part of explain: the facts behind rule_consent.';
revoke execute on function sms.explain_consent from public;
