-- For a second system: from now on this login sees, inserts, launches and takes back messages of these channels only;
-- '{}' or null frees it. For the owner of the database. Row security is on while any login is confined, and costs nothing while
-- none is; while it is on, PostgreSQL refuses COPY into sms.outbox to all but the owner: INSERT many rows at once instead.
create or replace function sms.confine_login(p_login text, p_channels text[])
    returns void
    language plpgsql volatile set lock_timeout = '5s'
as $$
declare
    _table text;
begin
    perform sms.refuse_unknown_names(coalesce(p_channels, '{}'), '{}');
    if not exists (select from pg_catalog.pg_roles as r where r.rolname = p_login) then
        raise exception 'there is no login "%"', p_login using errcode = 'undefined_object';
    end if;
    delete from sms.login_channel as l where l.login = p_login;
    insert into sms.login_channel (login, channel) select distinct p_login, c from unnest(p_channels) as c;
    foreach _table in array array['outbox', 'pending', 'inflight', 'outcome', 'campaign', 'event', 'event_effect', 'event_plan',
                                  'click', 'inbound'] loop
        execute format('alter table sms.%I %s row level security', _table,
                       case when exists (select from sms.login_channel) then 'enable' else 'disable' end);
    end loop;
    perform sms.log_activity(case when cardinality(p_channels) > 0 then 'confined' else 'freed' end, 'login', p_login,
                             jsonb_build_object('channels', to_jsonb(p_channels)));
end
$$;
comment on function sms.confine_login is 'Confine a login to the messages of these channels; none frees it. For the owner.';
revoke execute on function sms.confine_login from public;
