-- The role the user acts as. Inside a security definer function current_user is the owner, so the setting is read:
-- SET ROLE leaves its trace there.
create or replace function sms.acting_role()
    returns text
    language sql stable
as $$
    select case current_setting('role') when 'none' then session_user::text else current_setting('role') end
$$;
comment on function sms.acting_role is 'The role the session acts as, also inside security definer functions.';
revoke execute on function sms.acting_role from public;
