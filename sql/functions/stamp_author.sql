-- Trigger on what people write into by hand: the login and the moment are set here, whatever the statement says, so that
-- nobody writes in another's name. Only the owner may: our functions do, for replies and automatic rules, and so do restores.
-- Runs as whoever writes: that is how it knows. Fires only where a statement gives such a value, so imports do not pay.
create or replace function sms.stamp_author()
    returns trigger
    language plpgsql
as $$
begin
    if not sms.is_owner(current_user) then
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
begin
    foreach _table in array array['blacklist', 'template_version', 'consent', 'goal', 'budget'] loop
        execute format('create or replace trigger a_stamp_author before insert on sms.%I for each row '
                       'when (new.created_by is distinct from session_user::text or new.created_at is distinct from now()) '
                       'execute function sms.stamp_author()', _table);
        execute format('create or replace trigger a_keep_author before update on sms.%I for each row '
                       'when (new.created_by is distinct from old.created_by or new.created_at is distinct from old.created_at) '
                       'execute function sms.stamp_author()', _table);
        execute format('comment on trigger a_stamp_author on sms.%I is %L', _table, 'Nobody writes in another''s name.');
        execute format('comment on trigger a_keep_author on sms.%I is %L', _table, 'Nobody changes who wrote it.');
    end loop;
end
$$;
