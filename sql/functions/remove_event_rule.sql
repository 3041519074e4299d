-- Remove an event rule: new events make nothing of it, what it planned is dropped; how many that were. Messages that are
-- made already stay. The name is free again.
create or replace function sms.remove_event_rule(p_rule text)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _rule_id int;
    _planned int;
begin
    select r.rule_id into _rule_id from sms.event_rule as r where r.event_rule = p_rule and r.removed_at is null for update;
    if not found then
        raise exception 'unknown event rule "%"', p_rule
            using errcode = 'SM053',
                  hint = 'Rules: ' || coalesce((select string_agg(r.event_rule, ', ' order by r.event_rule) from sms.event_rule as r
                                                 where r.removed_at is null), 'none yet') || '.';
    end if;
    select count(*) into _planned from sms.event_plan as p where p.rule_id = _rule_id and p.message_id is null;
    update sms.event_rule as r set removed_at = clock_timestamp() where r.rule_id = _rule_id;
    perform sms.log_activity('removed', 'event_rule', p_rule, jsonb_build_object('planned', _planned));
    return _planned;
end
$$;
comment on function sms.remove_event_rule is 'Remove an event rule; what it planned is dropped, how many that were.';
revoke execute on function sms.remove_event_rule from public;
