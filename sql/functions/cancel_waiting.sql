-- Take messages back where they still wait, with the reason and the words that shall stand in their outcome; which ones it
-- could. What a worker holds or the provider has cannot be recalled. The one home of cancelling.
create or replace function sms.cancel_waiting(p_ids bigint[], p_reason text, p_detail text)
    returns bigint[]
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _cancelled bigint[];
begin
    with gone as materialized (
        delete from sms.pending as p where p.id = any (p_ids) returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'cancelled', p_reason, p_detail
          from gone as g
    )
    select coalesce(array_agg(g.id), '{}') into _cancelled from gone as g;
    return _cancelled;
end
$$;
comment on function sms.cancel_waiting is 'Take messages back where they still wait, with a reason; which ones it could.';
revoke execute on function sms.cancel_waiting from public;
