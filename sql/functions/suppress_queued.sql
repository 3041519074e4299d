-- End what is queued of a campaign as suppressed with this reason; returns how many. What a worker holds goes on; where it
-- comes back to the queue, sms.sweep_campaigns ends it.
create or replace function sms.suppress_queued(p_campaign_id bigint, p_reason text, p_detail text)
    returns int
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _ended int;
begin
    with gone as materialized (
        delete from sms.pending as p where p.campaign_id = p_campaign_id returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'suppressed', p_reason, p_detail
          from gone as g
    )
    select count(*) into _ended from gone;
    return _ended;
end
$$;
comment on function sms.suppress_queued is 'End what is queued of a campaign as suppressed with a reason; how many.';
revoke execute on function sms.suppress_queued from public;
