-- Trigger on sms.setting: how long the trail of who did what is kept is the owner's word, not that of those it watches:
-- retention_months.activity, retention_months.rule_change, and retention_months while one of them follows it.
create or replace function sms.guard_trail()
    returns trigger
    language plpgsql
as $$
declare
    _trail constant text[] := array['retention_months.activity', 'retention_months.rule_change'];
    _touched text[] := array_remove(array[case when tg_op <> 'INSERT' then old.setting end, case when tg_op <> 'DELETE' then new.setting end], null);
begin
    if not sms.is_owner(current_user)
       and (_touched && _trail
            or ('retention_months' = any (_touched)
                and (select count(*) from sms.setting as s where s.setting = any (_trail) and s.value <> '') < cardinality(_trail))) then
        raise exception 'how long the trail of who did what is kept is for the owner of the database to say'
            using errcode = 'insufficient_privilege',
                  hint = 'It is in ' || array_to_string(_trail, ' and ') || '; where one of these is empty it follows retention_months.';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
comment on function sms.guard_trail is 'Trigger: only the owner says how long the trail of who did what is kept.';
revoke execute on function sms.guard_trail from public;

create or replace trigger a_guard_trail before insert or delete on sms.setting
    for each row execute function sms.guard_trail();
comment on trigger a_guard_trail on sms.setting is 'The trail is not shortened by those it watches.';
create or replace trigger a_guard_trail_change before update on sms.setting
    for each row when ((new.setting, new.value) is distinct from (old.setting, old.value)) execute function sms.guard_trail();
comment on trigger a_guard_trail_change on sms.setting is 'The trail is not shortened by those it watches.';
