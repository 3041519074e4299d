-- End a run in a final state: whoever still waits is counted as unsent for this reason; a chore removes their rows later.
-- p_problem is for people. The caller holds the run's row, or is about to.
create or replace function sms.end_run(p_run_id bigint, p_state text, p_reason text, p_problem text default null)
    returns void
    language plpgsql volatile
as $$
begin
    update sms.campaign_run as r
       set state = p_state, finished_at = clock_timestamp(), unsent = r.waiting, waiting = 0,
           unsent_reason = case when r.waiting > 0 then p_reason end, problem = p_problem
     where r.run_id = p_run_id;
    delete from sms.run_zone as z where z.run_id = p_run_id;
end
$$;
comment on function sms.end_run is 'End a run: finished, stopped or failed; whoever still waits is unsent for this reason.';
revoke execute on function sms.end_run from public;
