-- Trigger on every table by which people steer: keep who changed which row when, before and after. One insert a statement.
-- The key is the table's primary key, whose columns are the trigger's arguments. TRUNCATE reads as a delete of every row.
-- What the machinery notes in such a row (a goal's last collection, for which month a budget warned) is no change of it.
create or replace function sms.audit_rule()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _noted constant text[] := array['collected_until', 'warned_for', 'stopped_for'];
begin
    if tg_op = 'INSERT' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, new)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(n), tg_argv), 'insert', to_jsonb(n) from new_rows as n;
    elsif tg_op = 'DELETE' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(o), tg_argv), 'delete', to_jsonb(o) from old_rows as o;
    elsif tg_op = 'TRUNCATE' then
        execute format('insert into sms.rule_change (acted_as, rule_table, rule_key, action, old) '
                       'select sms.acting_role(), %L, sms.rule_key(to_jsonb(o), $1), ''delete'', to_jsonb(o) from sms.%I as o',
                       tg_table_name, tg_table_name) using tg_argv;
    else
        -- A changed key reads as a row that went and a row that came.
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old, new)
        select sms.acting_role(), tg_table_name, coalesce(n.key, o.key),
               case when o.key is null then 'insert' when n.key is null then 'delete' else 'update' end, o.line, n.line
          from (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from old_rows as x) as o
          full join (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from new_rows as x) as n on n.key = o.key
         where o.line - _noted is distinct from n.line - _noted;
    end if;
    return null;
end
$$;
comment on function sms.audit_rule is 'Trigger: every change of a rule goes to sms.rule_change.';
revoke execute on function sms.audit_rule from public;

do $$
declare
    _table text;
    _key text;
begin
    for _table, _key in
        select * from (values ('channel', 'channel_id'), ('cap', 'cap_id'), ('quiet_hours', 'quiet_hours_id'),
                              ('holiday', 'day'), ('blacklist', 'blacklist_id'), ('recipient_group', 'group_id'),
                              ('recipient_group_member', 'member_id'), ('auto_blacklist_rule', 'auto_rule_id'),
                              ('consent', 'consent_id'), ('stop_word', 'word'), ('receipt_code', 'adapter, code'),
                              ('receipt_error', 'adapter, error'), ('campaign', 'campaign_id'), ('setting', 'setting'),
                              ('client_zone', 'client_id'), ('template', 'template_id'), ('template_version', 'template_version_id'),
                              ('audience', 'audience_id'), ('event_type', 'event_type_id'), ('event_rule', 'rule_id'),
                              ('provider', 'provider_id'), ('tariff', 'tariff_id'), ('route', 'route_id'),
                              ('route_provider', 'route_id, provider_id'), ('breaker_policy', 'provider_id'),
                              ('budget', 'budget_id'), ('goal', 'goal_id'), ('monthly_fee', 'fee_id'),
                              ('exchange_rate', 'currency, valid_from'), ('region_timezone', 'region'),
                              ('login_channel', 'login, channel')) as v (rule_table, key)
    loop
        execute format('create or replace trigger audit_insert after insert on sms.%I referencing new table as new_rows '
                       'for each statement execute function sms.audit_rule(%s)', _table, _key);
        execute format('create or replace trigger audit_update after update on sms.%I referencing old table as old_rows '
                       'new table as new_rows for each statement execute function sms.audit_rule(%s)', _table, _key);
        execute format('create or replace trigger audit_delete after delete on sms.%I referencing old table as old_rows '
                       'for each statement execute function sms.audit_rule(%s)', _table, _key);
        execute format('create or replace trigger audit_truncate before truncate on sms.%I '
                       'for each statement execute function sms.audit_rule(%s)', _table, _key);
        execute format('comment on trigger audit_insert on sms.%I is %L', _table, 'Keeps the change in sms.rule_change.');
        execute format('comment on trigger audit_update on sms.%I is %L', _table, 'Keeps the change in sms.rule_change.');
        execute format('comment on trigger audit_delete on sms.%I is %L', _table, 'Keeps the change in sms.rule_change.');
        execute format('comment on trigger audit_truncate on sms.%I is %L', _table, 'Keeps the change in sms.rule_change.');
    end loop;
end
$$;
