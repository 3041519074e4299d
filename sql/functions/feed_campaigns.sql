-- Chore, several times a second, by one process: let wait what changed after its release, hold or end what came back to the
-- queue of paused or stopped campaigns,
-- queue more of each running run, the longest unfed first, close those that are done, remove what ended runs left.
-- At most p_limit messages in one transaction, so that a pause waits no longer than that takes. fed counts messages,
-- ended runs.
create or replace function sms.feed_campaigns(p_limit int default 2500, p_as_of timestamptz default null)
    returns table (fed bigint, held bigint, ended bigint, swept bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _run sms.campaign_run;
begin
    fed := 0;
    ended := 0;
    held := sms.hold_unreleased() + sms.sweep_campaigns();
    for _run in
        select r.* from sms.campaign_run as r
         where r.state = 'running'
         order by r.fed_at nulls first, r.run_id
           for no key update skip locked
    loop
        continue when not sms.may_feed(_run);
        fed := fed + sms.feed_run(_run, (p_limit - fed)::int, _now);
        ended := ended + sms.close_run(_run.run_id, _now);
        exit when fed >= p_limit;
    end loop;
    swept := sms.sweep_recipients(p_limit);
    return next;
end
$$;
comment on function sms.feed_campaigns is 'Chore. Queue more of each running campaign run; hold, end and close what is to be held, ended and closed.';
revoke execute on function sms.feed_campaigns from public;
