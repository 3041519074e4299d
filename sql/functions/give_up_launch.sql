-- A launch of the caller's own that could not be finished ends failed; keeps why. False where a worker finished it meanwhile.
create or replace function sms.give_up_launch(p_run_id bigint, p_problem text)
    returns boolean
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select sms.fail_run(r.run_id, p_problem)
                       from sms.campaign_run as r where r.run_id = p_run_id and r.created_by = session_user), false)
$$;
comment on function sms.give_up_launch is 'A launch of one''s own that could not be finished ends failed; keeps why.';
revoke execute on function sms.give_up_launch from public;
