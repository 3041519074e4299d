-- What a text could leave behind in a session, folded into one value: the role, all that was set in the session (a library
-- that is loaded on the way brings settings of its own, at their defaults), zone, encoding and read-only as they are, channels
-- listened to, prepared statements, and how many advisory locks are held.
create or replace function sms.session_state()
    returns text
    language sql volatile
as $$
    select md5(concat_ws('|', current_user, session_user,
                         current_setting('transaction_read_only'), current_setting('timezone'), current_setting('client_encoding'),
                         (select string_agg(s.name || '=' || s.setting, ',' order by s.name)
                            from pg_catalog.pg_settings as s where s.source = 'session'),
                         (select string_agg(c, ',' order by c) from pg_listening_channels() as c),
                         (select count(*) from pg_catalog.pg_prepared_statements),
                         (select count(*) from pg_catalog.pg_locks as l where l.locktype = 'advisory' and l.pid = pg_backend_pid())))
$$;
comment on function sms.session_state is 'What a text could leave behind in a session, folded into one value to compare.';
revoke execute on function sms.session_state from public;
