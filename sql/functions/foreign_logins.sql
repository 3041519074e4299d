-- Logins of others that live in this database's server: no superusers, and not ours. What is taken from PUBLIC is left to them.
create or replace function sms.foreign_logins()
    returns table (role text)
    language sql stable
as $$
    select r.rolname::text
      from pg_catalog.pg_roles as r
     where r.rolcanlogin and not r.rolsuper and has_database_privilege(r.oid, current_database(), 'connect')
       and not exists (select from pg_catalog.pg_roles as o
                        where o.rolname in ('sms_erp', 'sms_analyst', 'sms_operator', 'sms_monitor', 'sms_worker', 'sms_dlr')
                          and pg_has_role(r.oid, o.oid, 'member'))
$$;
comment on function sms.foreign_logins is 'Logins that are no superusers and belong to none of our roles.';
revoke execute on function sms.foreign_logins from public;
