-- The dry run of a campaign: before a launch its audience with its text, channel and schedule; while a run is under way who
-- still waits and what is queued. A line sampled tells where a large audience was read in part and scaled up (total is exact).
-- Error SM040 where there is neither such a campaign nor anything queued that says it belongs to it.
create or replace function sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamptz)
    returns table (topic text, key text, messages bigint, segments bigint, cost numeric, at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _plan record;
begin
    if not exists (select from sms.pending as p where p.campaign_id = p_campaign_id) then
        perform sms.known_campaign(p_campaign_id);
    end if;
    select * into _plan from sms.dry_run_plan(p_campaign_id, p_as_of);
    if _plan.factor > 1 then
        return query select 'sampled', '1 in ' || round(_plan.factor, 1), cardinality(_plan.requests)::bigint, null::bigint, null::numeric, p_as_of;
    end if;
    return query
    select r.topic, r.key, r.messages, r.segments, r.cost, r.at
      from sms.dry_run_report(_plan.requests, p_campaign_id, p_as_of, _plan.factor) as r;
end
$$;
comment on function sms.dry_run_campaign is 'Part of dry_run: a campaign, before its launch or under way.';
revoke execute on function sms.dry_run_campaign from public;
