-- A run that could not begin: keep why, for people. Only one that has no recipients yet; false when there is none.
create or replace function sms.fail_run(p_run_id bigint, p_problem text)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform from sms.campaign_run as r
     where r.run_id = p_run_id and r.state in ('planned', 'freezing', 'paused') and r.frozen_at is null
       for no key update;
    if not found then
        return false;
    end if;
    perform sms.end_run(p_run_id, 'failed', null, p_problem);
    perform sms.log_activity('failed', 'run', p_run_id::text, jsonb_build_object('problem', p_problem));
    return true;
end
$$;
comment on function sms.fail_run is 'A run that could not begin ends failed; keeps why.';
revoke execute on function sms.fail_run from public;
