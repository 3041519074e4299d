-- Validity: past its expires_at a message is worth nothing, so it is suppressed.
-- Objects to every candidate whose expires_at has been reached at as_of.
create or replace function sms.rule_expired(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 10::smallint, 'suppress', 'expired', 'valid until ' || c.expires_at, null::timestamptz
      from unnest(p_batch) as c
     where c.expires_at <= p_as_of
$$;
comment on function sms.rule_expired is 'Rule: suppress what is past its expires_at.';
revoke execute on function sms.rule_expired from public;
