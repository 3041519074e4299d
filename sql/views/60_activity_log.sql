-- Who created, changed, launched, paused, removed what, and when, in plain words: acts people made through functions
-- (sms.activity) and every change of a row that steers (sms.rule_change). Long lists are in sms.rule_change only: members of
-- groups, consents, zones of clients, blacklist rows that came by import, by reply or by failures.
create or replace view sms.activity_log as
    select a.activity_id as entry_id, a.at, a.done_by as who, a.acted_as, a.action, a.kind, a.name,
           a.action || ' ' || replace(a.kind, '_', ' ') || ' ' || a.name || coalesce(': ' || sms.tell_change(null, a.detail), '') as what
      from sms.activity as a
     where not (a.action in ('created', 'changed')   -- told below, with the values before and after
                and a.kind in ('channel', 'template', 'audience', 'campaign', 'event_type', 'event_rule', 'provider', 'route'))
    union all
    select c.change_id, c.changed_at, c.changed_by, c.acted_as, k.action, k.kind, k.name,
           k.action || ' ' || replace(k.kind, '_', ' ') || ' ' || k.name
               || coalesce(': ' || sms.tell_change(c.old - c.rule_table, c.new - c.rule_table), '')
      from sms.rule_change as c
      cross join lateral (select coalesce(c.new, c.old) as line offset 0) as l
      cross join lateral (
               select case when c.action = 'insert' and not (c.rule_table = 'template_version' and l.line ->> 'version_no' <> '1') then 'created'
                           when c.action = 'delete' then 'removed' else 'changed' end as action,
                      case c.rule_table when 'template_version' then 'template' else c.rule_table end as kind,
                      case c.rule_table
                           when 'template_version'
                           then coalesce((select t.template from sms.template as t where t.template_id = (l.line ->> 'template_id')::int), c.rule_key)
                                || '@' || (l.line ->> 'version_no')
                           when 'blacklist' then coalesce(sms.tell_value('msisdn', l.line ->> 'msisdn'), l.line ->> 'prefix', 'group ' || (l.line ->> 'group_id'))
                           else coalesce(l.line ->> c.rule_table,
                                         nullif(concat_ws(' ', l.line ->> 'channel', l.line ->> 'category', l.line ->> 'period'), ''), c.rule_key) end as name
           ) as k
     where c.action <> 'baseline'
       and c.rule_table not in ('recipient_group_member', 'consent', 'client_zone')
       and not (c.rule_table = 'blacklist' and l.line ->> 'source' in ('import', 'auto', 'opt_out'))
       and not (c.action = 'update' and c.old ->> 'removed_at' is null and c.new ->> 'removed_at' is not null);   -- told above
comment on view sms.activity_log is 'Who did what and when, in plain words. Bound it by entry_id >= sms.id_at(moment).';
comment on column sms.activity_log.entry_id is 'Time-ordered id.';
comment on column sms.activity_log.at is 'When.';
comment on column sms.activity_log.who is 'The login.';
comment on column sms.activity_log.acted_as is 'The role in force.';
comment on column sms.activity_log.action is 'created, changed, removed, launched, paused, cancelled, …';
comment on column sms.activity_log.kind is 'campaign, template, audience, event_rule, channel, cap, provider, message, …';
comment on column sms.activity_log.name is 'Which one.';
comment on column sms.activity_log.what is 'The whole in one sentence, with old → new.';
