-- Installations that have these already: what is there is the baseline of the kept changes.
insert into sms.rule_change (rule_table, rule_key, action, new)
select 'budget', b.budget_id::text, 'baseline', to_jsonb(b) from sms.budget as b
 union all select 'goal', g.goal_id::text, 'baseline', to_jsonb(g) from sms.goal as g
 union all select 'monthly_fee', f.fee_id::text, 'baseline', to_jsonb(f) from sms.monthly_fee as f
 union all select 'exchange_rate', e.currency || ' ' || e.valid_from, 'baseline', to_jsonb(e) from sms.exchange_rate as e
 union all select 'region_timezone', r.region, 'baseline', to_jsonb(r) from sms.region_timezone as r;
