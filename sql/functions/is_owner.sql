-- Does a role own the database, or belong to who does? What people must not bend is the owner's: triggers that run as
-- whoever writes ask it of current_user, which inside our security definer functions is the owner; others of session_user.
create or replace function sms.is_owner(p_role name)
    returns boolean
    language sql stable
as $$ select pg_has_role(p_role, n.nspowner, 'member') from pg_catalog.pg_namespace as n where n.nspname = 'sms' $$;
comment on function sms.is_owner is 'Does this role own the schema sms, or belong to who does?';
revoke execute on function sms.is_owner from public;
