-- Consent: on channels that need one, suppress unless the number or the client has a valid consent for the category.
-- A channel that is missing counts as one that needs consent: nothing goes out because a look-up failed.
create or replace function sms.rule_consent(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 30::smallint, 'suppress', 'no_consent',
           'no valid consent for ' || coalesce(ch.category, 'this channel') || ' of this number or client', null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
     where coalesce(ch.needs_consent, true)
       and not exists (select from sms.consent as k
                        where k.msisdn = c.msisdn and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
       and not exists (select from sms.consent as k
                        where k.client_id = c.client_id and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
$$;
comment on function sms.rule_consent is 'Rule: on channels that need consent, suppress what has none.';
revoke execute on function sms.rule_consent from public;
