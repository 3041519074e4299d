-- Where one message is now, or how it left the queue: what was decided, when, and by which versions of which rule rows.
create or replace function sms.explain_fate(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'now', 'pending', null,
           case when p.not_before > p.expires_at and p.not_before >= timestamptz '3000-01-01 00:00Z' 
                then 'its campaign is paused'
                     || coalesce((select ': ' || r.problem from sms.campaign_run as r
                                   where r.campaign_id = p.campaign_id and r.state = 'paused' and r.begun_at is not null), '')
                when p.not_before > clock_timestamp() then 'waits until ' || p.not_before else 'is due' end
               || case when v.provider is null then '; its lane is parked, no provider serves it'
                       when l.is_held then '; its lane is on hold, no provider of its route is well'
                       when not v.is_enabled then '; provider ' || v.provider || ' is disabled' else '' end
               || case when b.key > 0 then '; its number is busy' when b.key < 0 then '; its client is busy' else '' end
               || coalesce(': session ' || b.pid || ' has held the lock since ' || b.since || ', and claims pass it over', ''),
           clock_timestamp(), jsonb_build_object('attempts', p.attempt, 'provider', v.provider, 'priority', p.priority)
      from sms.pending as p
      left join sms.lane as l using (lane_id)
      left join sms.provider as v using (provider_id)
      left join sms.busy_number as b
        on b.key in (p.msisdn, -1 - p.client_id) and b.messages > 0 and b.seen_at > clock_timestamp() - interval '2 minutes'
     where p.id = p_id
    union all
    select 'now', 'inflight', null, coalesce((select c.worker from sms.claim as c where c.claim_id = f.claim_id), 'a worker')
               || ' holds it until ' || f.lease_until, f.claimed_at,
           jsonb_build_object('claim_id', f.claim_id::text, 'attempt', f.attempt, 'provider', v.provider)
      from sms.inflight as f
      left join sms.provider as v using (provider_id)
     where f.id = p_id
    union all
    select 'left the queue', o.state, o.reason, o.detail, o.decided_at,
           jsonb_build_object('attempts', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost,
                              'submitted_at', o.submitted_at, 'final_at', o.final_at,
                              'reasons', case when sms.may_read_texts() then o.reasons else case when cardinality(k.told) > 1 then k.told end end,
                              'provider_refs', (select jsonb_agg(r.ref order by r.part)
                                                  from sms.provider_ref as r where r.id = o.id),
                              'decided_by', sms.explain_decision(p_id))
      from sms.outcome as o
      left join sms.provider as v using (provider_id)
      cross join lateral (   -- that it would also have been a duplicate tells something of texts
               select array(select r from unnest(o.reasons) as r where r not in ('duplicate', 'duplicate_ref') or r = o.reason) as told
           ) as k
     where o.id = p_id
$$;
comment on function sms.explain_fate is 'Part of explain: where a message is, or how it left the queue.';
revoke execute on function sms.explain_fate from public;
