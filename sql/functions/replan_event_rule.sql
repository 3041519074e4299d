-- Trigger after an event rule changed: what it planned is looked at again within seconds, so that a new moment holds for it
-- too; what a removed rule planned is dropped at once. Messages that are made already stay.
create or replace function sms.replan_event_rule()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := clock_timestamp();
begin
    if new.removed_at is not null and old.removed_at is null then
        with gone as (
            delete from sms.event_plan as p where p.rule_id = new.rule_id and p.message_id is null returning p.event_id
        )
        insert into sms.event_effect (event_id, rule_id, decided_at, outcome, note)
        select g.event_id, new.rule_id, _now, 'none', 'the rule was removed by ' || session_user from gone as g;
    elsif (new.date_variable, new.shift, new.at_local) is distinct from (old.date_variable, old.shift, old.at_local) then
        update sms.event_plan as p set look_at = _now where p.rule_id = new.rule_id and p.message_id is null;
    end if;
    return null;
end
$$;
comment on function sms.replan_event_rule is 'Trigger: what a changed event rule planned is worked out again; of a removed one dropped.';
revoke execute on function sms.replan_event_rule from public;

create or replace trigger replan_event_rule after update on sms.event_rule
    for each row execute function sms.replan_event_rule();
comment on trigger replan_event_rule on sms.event_rule is 'Works out the planned messages of the rule again.';
