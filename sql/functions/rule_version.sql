-- Which version of a rule row was in force at a moment: its last change up to then, for explain.
create or replace function sms.rule_version(p_table text, p_key text, p_at timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object('rule', p_table || ' ' || p_key, 'version', c.change_id::text, 'since', c.changed_at,
                              'changed_by', c.changed_by, 'row', c.new)
      from sms.rule_change as c
     where c.rule_table = p_table and c.rule_key = p_key and c.changed_at <= p_at
     order by c.change_id desc
     limit 1
$$;
comment on function sms.rule_version is 'The version of a rule row in force at a moment, as JSON.';
revoke execute on function sms.rule_version from public;
