-- Trigger on goal: an analyst changes the goals that are his own; operators and the owner any.
create or replace function sms.guard_goal()
    returns trigger
    language plpgsql
as $$
begin
    if old.created_by <> session_user and not sms.is_owner(current_user) and not pg_has_role(current_user, 'sms_operator', 'member') then
        raise exception 'goal "%" belongs to "%": ask them or an operator', old.goal, old.created_by
            using errcode = 'insufficient_privilege', hint = 'Or write one of your own under another name.';
    end if;
    return new;
end
$$;
comment on function sms.guard_goal is 'Trigger: analysts change only goals of their own.';
revoke execute on function sms.guard_goal from public;

create or replace trigger a_guard_goal before update on sms.goal
    for each row execute function sms.guard_goal();
comment on trigger a_guard_goal on sms.goal is 'Goals belong to those who wrote them.';
