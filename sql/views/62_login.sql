-- Who may do what here: the logins that are members of our group roles, and those who own the database and so may do all.
create or replace view sms.login as
    select p.rolname::text as login,
           array(select g.rolname::text from pg_catalog.pg_roles as g
                  where g.rolname in ('sms_erp', 'sms_analyst', 'sms_operator', 'sms_monitor', 'sms_worker', 'sms_dlr',
                                      'sms_audience', 'sms_window')
                    and pg_has_role(p.oid, g.oid, 'member')
                  order by g.rolname) as roles,
           sms.is_owner(p.rolname) as is_owner,
           (select array_agg(l.channel order by l.channel) from sms.login_channel as l where l.login = p.rolname) as channels
      from pg_catalog.pg_roles as p
     where p.rolcanlogin
       and (sms.is_owner(p.rolname)
            or exists (select from pg_catalog.pg_roles as g
                        where g.rolname like 'sms\_%' and g.oid <> p.oid and pg_has_role(p.oid, g.oid, 'member')));
comment on view sms.login is 'Logins that may do something here, and what: group roles, ownership, channels they are confined to.';
comment on column sms.login.login is 'The login, as sms.activity_log names it.';
comment on column sms.login.roles is 'The group roles it belongs to, directly or through others.';
comment on column sms.login.is_owner is 'True: it may do everything, the trail included.';
comment on column sms.login.channels is 'The channels it is confined to; null = none, it sees all.';
