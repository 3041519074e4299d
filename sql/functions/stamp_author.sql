-- Trigger on what people write into by hand: the login and the moment are set here, whatever the statement says, so that
-- nobody writes in another's name. Only the owner may: our functions do, for replies and automatic rules, and so do restores.
-- Runs as whoever writes: that is how it knows. Fires only where a statement gives such a value, so imports do not pay.
create or replace function sms.stamp_author()
    returns trigger
    language plpgsql
as $$
begin
    if sms.is_owner(current_user) then
        return new;
    end if;
    if tg_table_name = 'recipient_group_member' then
        new.added_at := case when tg_op = 'INSERT' then now() else old.added_at end;
        new.added_by := case when tg_op = 'INSERT' then session_user else old.added_by end;
    else
        new.created_at := case when tg_op = 'INSERT' then now() else old.created_at end;
        new.created_by := case when tg_op = 'INSERT' then session_user else old.created_by end;
    end if;
    return new;
end
$$;
comment on function sms.stamp_author is 'Trigger: who made a row and when is not for the statement to say.';
revoke execute on function sms.stamp_author from public;

do $$
declare
    _table text;
    _who text;
    _when text;
begin
    for _table, _who, _when in
        select * from (values ('blacklist', 'created_by', 'created_at'), ('template_version', 'created_by', 'created_at'),
                              ('consent', 'created_by', 'created_at'), ('goal', 'created_by', 'created_at'),
                              ('budget', 'created_by', 'created_at'),
                              ('recipient_group_member', 'added_by', 'added_at')) as v (rule_table, who, at)
    loop
        execute format('create or replace trigger a_stamp_author before insert on sms.%1$I for each row '
                       'when (new.%2$I is distinct from session_user::text or new.%3$I is distinct from now()) '
                       'execute function sms.stamp_author()', _table, _who, _when);
        execute format('create or replace trigger a_keep_author before update on sms.%1$I for each row '
                       'when (new.%2$I is distinct from old.%2$I or new.%3$I is distinct from old.%3$I) '
                       'execute function sms.stamp_author()', _table, _who, _when);
        execute format('comment on trigger a_stamp_author on sms.%I is %L', _table, 'Nobody writes in another''s name.');
        execute format('comment on trigger a_keep_author on sms.%I is %L', _table, 'Nobody changes who wrote it.');
    end loop;
end
$$;
