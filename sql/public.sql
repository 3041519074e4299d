-- What PostgreSQL lets everybody do in a database, and this one does not: make temporary objects, hold advisory locks, store
-- large objects. Roles that could before still can, if they may log in and are none of ours. Runs after roles.sql. Where the
-- migrator may not do it, sms.open_walls() tells a DBA what to run.
do $$
declare
    _may_temp boolean := exists (select from pg_catalog.pg_database as d
                                  where d.datname = current_database() and pg_has_role(d.datdba, 'usage'));
    _is_super boolean := (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user);
    _owner text := (select n.nspowner::regrole::text from pg_catalog.pg_namespace as n where n.nspname = 'sms');
    _login record;
    _function regprocedure;
begin
    if _may_temp then
        execute format('grant temporary on database %I to %s, sms_erp, sms_analyst, sms_operator', current_database(), _owner);
        if exists (select from sms.open_walls() as w where w.wall = 'temporary objects') then
            for _login in select l.role from sms.foreign_logins() as l loop
                execute format('grant temporary on database %I to %I', current_database(), _login.role);
            end loop;
            execute format('revoke temporary on database %I from public', current_database());
        end if;
    end if;
    if _is_super then
        for _function in select f.function from sms.public_functions() as f loop
            for _login in select l.role from sms.foreign_logins() as l loop
                execute format('grant execute on function %s to %I', _function, _login.role);
            end loop;
            execute format('grant execute on function %s to %s', _function, _owner);
            execute format('revoke execute on function %s from public', _function);
        end loop;
    end if;
end
$$;
