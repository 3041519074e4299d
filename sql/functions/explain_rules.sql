-- Every rule in rule order about one message at a moment: its objection or pass, and the facts it looked at.
-- Asked as of its own claim, what was sent since does not count against it, though the rules themselves look an hour ahead,
-- so that clocks need not agree. Who may not read texts is told of duplicates only where that is what was decided.
create or replace function sms.explain_rules(p_id bigint, p_as_of timestamptz)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    with asked as materialized (
        select b.batch, b.batch[1] as fact, c.is_claim,
               case when c.is_claim then p_as_of else p_as_of + interval '1 hour' end as before
          from (select case when exists (select from sms.outcome as o
                                          where o.id = p_id and o.reason in ('duplicate', 'duplicate_ref'))
                            then sms.candidates(array[p_id])
                            else sms.told_facts(sms.candidates(array[p_id])) end as batch offset 0) as b
          cross join lateral (
                   select exists (select from sms.contact_log as l
                                   where l.msisdn = b.batch[1].msisdn and l.at = p_as_of and l.message_id = p_id) as is_claim
               ) as c
         where b.batch is not null
    )
    select 'rules', null, null,
           'asked as of ' || p_as_of || case when exists (select from sms.pending as p where p.id = p_id) then ', now'
                                             when asked.is_claim then ', when it was claimed'
                                             else ', when it left the queue' end
               || '; lists and rules as they are known today', p_as_of, null
      from asked
    union all
    (select 'rule ' || r.rule,
            case when x.objects then f.verdict else 'pass' end,
            case when x.objects then f.reason end,
            case when x.objects then f.detail else t.facts ->> 'told' end,
            p_as_of,
            jsonb_strip_nulls(t.facts - 'told' - 'objects'
                              || case when x.objects and f.not_before is not null
                                      then jsonb_build_object('not_before', f.not_before) else '{}' end)
       from asked as a
       cross join (values (10, 'expired'), (20, 'blacklist'), (30, 'consent'), (40, 'duplicate_ref'), (50, 'duplicate'),
                          (60, 'cap'), (65, 'budget'), (70, 'holdout'), (80, 'quiet_hours')) as r (rank, rule)
       left join lateral (
                select x.* from sms.rule_expired(a.batch, p_as_of) as x where r.rank = 10
                union all select x.* from sms.rule_blacklist(a.batch, p_as_of) as x where r.rank = 20
                union all select x.* from sms.rule_consent(a.batch, p_as_of) as x where r.rank = 30
                union all select x.* from sms.rule_duplicate_ref(a.batch, p_as_of) as x where r.rank = 40
                union all select x.* from sms.rule_duplicate(a.batch, p_as_of) as x where r.rank = 50
                union all select x.* from sms.rule_cap(a.batch, p_as_of) as x where r.rank = 60
                union all select x.* from sms.rule_budget(a.batch, p_as_of) as x where r.rank = 65
                union all select x.* from sms.rule_holdout(a.batch, p_as_of) as x where r.rank = 70
                union all select x.* from sms.rule_quiet_hours(a.batch, p_as_of) as x where r.rank = 80
            ) as f on true
       cross join lateral (
                select case r.rank when 10 then sms.explain_expired(a.fact, p_as_of)
                                   when 20 then sms.explain_blacklist(a.fact, p_as_of)
                                   when 30 then sms.explain_consent(a.fact, p_as_of)
                                   when 40 then sms.explain_duplicate_ref(a.fact, p_as_of)
                                   when 50 then sms.explain_duplicate(a.fact, p_as_of, a.before)
                                   when 60 then sms.explain_cap(a.fact, p_as_of, a.before)
                                   when 65 then sms.explain_budget(a.fact, p_as_of)
                                   when 70 then sms.explain_holdout(a.fact, p_as_of)
                                   when 80 then sms.explain_quiet_hours(a.fact, p_as_of) end as facts
            ) as t
       cross join lateral (
                select f.verdict is not null and coalesce((t.facts ->> 'objects')::boolean, true) as objects
            ) as x
      order by r.rank)
$$;
comment on function sms.explain_rules is 'Part of explain: every rule''s verdict on one message at a moment, with the facts.';
revoke execute on function sms.explain_rules from public;
