-- The channels this login is confined to; null where it is confined to none and sees all. Row security asks it once a statement.
create or replace function sms.my_channels()
    returns text[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select array_agg(l.channel) from sms.login_channel as l where l.login = session_user $$;
comment on function sms.my_channels is 'The channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_channels from public;
