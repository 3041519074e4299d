-- What is known of the attempts to submit one message: marks of claims (kept for an hour) and the hand-over that stands.
create or replace function sms.explain_attempts(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'attempt', 'submitting', null, coalesce(c.worker, 'a worker') || ' was about to hand it over', s.marked_at,
           jsonb_build_object('claim_id', s.claim_id::text, 'provider', v.provider)
      from sms.submitting as s
      left join sms.claim as c on c.claim_id = s.claim_id
      left join sms.provider as v on v.provider_id = c.provider_id
     where p_id = any (s.ids)
    union all
    select 'attempt', case when o.state = 'uncertain' then 'uncertain' else 'submitted' end, null,
           'attempt ' || o.attempts || ', provider ' || coalesce(v.provider, '?'), o.submitted_at,
           jsonb_build_object('attempt', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost)
      from sms.outcome as o
      left join sms.provider as v on v.provider_id = o.provider_id
     where o.id = p_id and o.submitted_at is not null
$$;
comment on function sms.explain_attempts is 'Part of explain: attempts to submit a message.';
revoke execute on function sms.explain_attempts from public;
