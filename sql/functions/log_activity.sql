-- Append to the log of who did what. Called by every function through which people act; the session user is the author.
-- Never fails for a reason of its own and takes no lock anybody waits for.
create or replace function sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb default '{}')
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    insert into sms.activity (acted_as, action, kind, name, detail)
    values (sms.acting_role(), p_action, p_kind, p_name, coalesce(p_detail, '{}'))
$$;
comment on function sms.log_activity is 'Append to sms.activity: who did what, when.';
revoke execute on function sms.log_activity from public;
