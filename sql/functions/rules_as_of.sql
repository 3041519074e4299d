-- The rules that were in force at a moment, from the kept changes: one row a rule, with its version and who made it.
-- p_table limits to one table; without it every table but the long lists (blacklist, group members, consents, zones).
create or replace function sms.rules_as_of(p_at timestamptz, p_table text default null)
    returns table (rule_table text, rule_key text, version bigint, since timestamptz, changed_by text, rule jsonb)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select c.rule_table, c.rule_key, c.change_id, c.changed_at, c.changed_by, c.new
      from (select distinct on (x.rule_table, x.rule_key) x.*
              from sms.rule_change as x
             where x.changed_at <= p_at
               and case when p_table is null
                        then x.rule_table not in ('blacklist', 'recipient_group_member', 'consent', 'client_zone')
                        else x.rule_table = p_table end
             order by x.rule_table, x.rule_key, x.change_id desc) as c
     where c.action <> 'delete'
     order by c.rule_table, c.rule_key
$$;
comment on function sms.rules_as_of is 'The rules in force at a moment, each with its version and author.';
revoke execute on function sms.rules_as_of from public;
