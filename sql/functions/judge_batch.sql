-- Every rule asked about every candidate; the objection with the lowest rank decides, all reasons are kept.
-- One row a candidate, verdict send when nobody objects. Inlined into claim_batch: 500 candidates are one plan.
create or replace function sms.judge_batch(p_batch sms.candidate[], p_as_of timestamptz)
    returns table (id bigint, verdict text, reason text, detail text, not_before timestamptz, reasons text[])
    language sql stable
as $$
    with finding as materialized (
        select * from sms.rule_expired(p_batch, p_as_of)
        union all select * from sms.rule_blacklist(p_batch, p_as_of)
        union all select * from sms.rule_consent(p_batch, p_as_of)
        union all select * from sms.rule_duplicate_ref(p_batch, p_as_of)
        union all select * from sms.rule_duplicate(p_batch, p_as_of)
        union all select * from sms.rule_cap(p_batch, p_as_of)
        union all select * from sms.rule_budget(p_batch, p_as_of)
        union all select * from sms.rule_holdout(p_batch, p_as_of)
        union all select * from sms.rule_quiet_hours(p_batch, p_as_of)
    ), first as (
        select distinct on (f.id) f.id, f.verdict, f.reason, f.detail, f.not_before,
               array_agg(f.reason) filter (where f.verdict <> 'wait') over (partition by f.id order by f.rank
                                         rows between unbounded preceding and unbounded following) as reasons
          from finding as f
         order by f.id, f.rank
    )
    select c.id, coalesce(f.verdict, 'send'), f.reason, f.detail, f.not_before,
           case when cardinality(f.reasons) > 1 then f.reasons end
      from unnest(p_batch) as c
      left join first as f on f.id = c.id
$$;
comment on function sms.judge_batch is 'Every rule about every candidate; the lowest rank decides. The only home of the rules.';
revoke execute on function sms.judge_batch from public;
