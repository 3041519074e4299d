-- Trigger on members of groups: what sms.stamp_author does elsewhere, for their columns.
create or replace function sms.stamp_member()
    returns trigger
    language plpgsql
as $$
begin
    if not sms.is_owner(current_user) then
        new.added_at := case when tg_op = 'INSERT' then now() else old.added_at end;
        new.added_by := case when tg_op = 'INSERT' then session_user else old.added_by end;
    end if;
    return new;
end
$$;
comment on function sms.stamp_member is 'Trigger: who added a member of a group and when is not for the statement to say.';
revoke execute on function sms.stamp_member from public;

create or replace trigger a_stamp_author before insert on sms.recipient_group_member
    for each row when (new.added_by is distinct from session_user::text or new.added_at is distinct from now())
    execute function sms.stamp_member();
comment on trigger a_stamp_author on sms.recipient_group_member is 'Nobody writes in another''s name.';
create or replace trigger a_keep_author before update on sms.recipient_group_member
    for each row when (new.added_by is distinct from old.added_by or new.added_at is distinct from old.added_at)
    execute function sms.stamp_member();
comment on trigger a_keep_author on sms.recipient_group_member is 'Nobody changes who wrote it.';
