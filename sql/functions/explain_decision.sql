-- The rule rows that suppressed a message, as they were at that moment, even when they have been changed or removed since:
-- those that its detail names, or its channel or campaign. Null when no rule did, or nothing is kept of it.
create or replace function sms.explain_decision(p_id bigint)
    returns jsonb
    language sql stable
as $$
    select jsonb_agg(c.version || jsonb_build_object('changed_since', c.changed_since) order by k.rule_table, k.rule_key)
      from sms.outcome as r
      join sms.outbox as o on o.id = r.id
      left join sms.channel as ch on ch.channel = o.channel
      cross join lateral (
               select 'blacklist' as rule_table, m[1] as rule_key
                 from regexp_matches(r.detail, '^blacklist row (\d+)') as m where r.reason = 'blacklist'
               union all
               select 'cap', m[1] from regexp_matches(r.detail, '(?:^|; )cap (\d+):', 'g') as m where r.reason = 'cap'
               union all
               select 'campaign', o.campaign_id::text where r.reason = 'holdout'
               union all
               select 'channel', ch.channel_id::text where r.reason in ('no_consent', 'duplicate')
               union all
               select 'setting', 'erp_ref_days' where r.reason = 'duplicate_ref'
           ) as k
      cross join lateral (
               select sms.rule_version(k.rule_table, k.rule_key, r.decided_at) as version,
                      (select min(x.action || ' at ' || x.changed_at || ' by ' || x.changed_by)
                         from sms.rule_change as x
                        where x.rule_table = k.rule_table and x.rule_key = k.rule_key and x.changed_at > r.decided_at)
                          as changed_since
           ) as c
     where r.id = p_id and r.state = 'suppressed' and c.version is not null
$$;
comment on function sms.explain_decision is 'Part of explain: the rule rows that suppressed a message, as they were then.';
revoke execute on function sms.explain_decision from public;
