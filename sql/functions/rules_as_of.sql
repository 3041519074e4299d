-- The rules that were in force at a moment (null: now), from the kept changes: one row a rule, with its version and who made it.
-- p_table limits to one table; without it every table but the long lists (blacklist, group members, consents, zones).
-- Error SM015 where no changes of such a table are kept: an empty answer would read as "there was no rule".
create or replace function sms.rules_as_of(p_at timestamptz, p_table text default null)
    returns table (rule_table text, rule_key text, version bigint, since timestamptz, changed_by text, rule jsonb)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if p_table is not null
       and not exists (select from pg_trigger as t
                        where t.tgrelid = to_regclass(format('sms.%I', p_table)) and t.tgfoid = 'sms.audit_rule'::regproc)
       and not exists (select from sms.rule_change as x where x.rule_table = p_table) then
        raise exception 'no changes are kept of a table "%"', p_table
            using errcode = 'SM015',
                  hint = 'Tables: ' || (select string_agg(distinct k.relname, ', ' order by k.relname)
                                          from pg_trigger as t
                                          join pg_class as k on k.oid = t.tgrelid
                                         where t.tgfoid = 'sms.audit_rule'::regproc) || '.';
    end if;
    return query
    select c.rule_table, c.rule_key, c.change_id, c.changed_at, c.changed_by, c.new
      from (select distinct on (x.rule_table, x.rule_key) x.*
              from sms.rule_change as x
             where x.changed_at <= coalesce(p_at, clock_timestamp())
               and case when p_table is null
                        then x.rule_table not in ('blacklist', 'recipient_group_member', 'consent', 'client_zone')
                        else x.rule_table = p_table end
             order by x.rule_table, x.rule_key, x.change_id desc) as c
     where c.action <> 'delete'
     order by c.rule_table, c.rule_key;
end
$$;
comment on function sms.rules_as_of is 'The rules in force at a moment, each with its version and author.';
revoke execute on function sms.rules_as_of from public;
