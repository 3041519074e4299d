-- Every rule in rule order about one message at a moment: its objection with the facts, or pass.
create or replace function sms.explain_rules(p_id bigint, p_as_of timestamptz)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'rule ' || r.rule, coalesce(f.verdict, 'pass'), f.reason, f.detail, p_as_of,
           case when f.not_before is not null then jsonb_build_object('not_before', f.not_before) end
      from (select sms.candidates(array[p_id]) as batch offset 0) as b
      cross join (values (10, 'expired'), (20, 'blacklist'), (40, 'duplicate_ref'), (50, 'duplicate'), (60, 'cap'), (80, 'quiet_hours'))
           as r (rank, rule)
      left join lateral (
               select x.* from sms.rule_expired(b.batch, p_as_of) as x where r.rank = 10
               union all select x.* from sms.rule_blacklist(b.batch, p_as_of) as x where r.rank = 20
               union all select x.* from sms.rule_duplicate_ref(b.batch, p_as_of) as x where r.rank = 40
               union all select x.* from sms.rule_duplicate(b.batch, p_as_of) as x where r.rank = 50
               union all select x.* from sms.rule_cap(b.batch, p_as_of) as x where r.rank = 60
               union all select x.* from sms.rule_quiet_hours(b.batch, p_as_of) as x where r.rank = 80
           ) as f on true
     where b.batch is not null
     order by r.rank
$$;
comment on function sms.explain_rules is 'Part of explain: every rule''s verdict on one message at a moment.';
revoke execute on function sms.explain_rules from public;
