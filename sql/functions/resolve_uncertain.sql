-- Decide doubtful messages: accepted (the provider has them), resend (it does not: back to pending), give_up (failed).
-- Others than uncertain ones are left alone. Resending keeps the reservation in the contact log, as it may have gone.
create or replace function sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _resolved int;
begin
    if p_verdict = 'resend' then
        with gone as materialized (
            delete from sms.outcome as o where o.id = any (p_ids) and o.state = 'uncertain' returning o.*
        ), back as (
            insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                     template_version_id, lane_id, zone_id, priority, attempt)
            select c.id, c.msisdn, _now, c.expires_at, c.dedup_key, c.ref_hash, c.client_id, c.campaign_id,
                   c.template_version_id, c.lane_id, g.zone_id, c.priority, g.attempts
              from gone as g
              join unnest(sms.candidates(p_ids)) as c on c.id = g.id
        )
        select count(*) into _resolved from gone;
    elsif p_verdict in ('accepted', 'give_up') then
        update sms.outcome as o
           set state = case p_verdict when 'accepted' then 'accepted' else 'failed' end,
               reason = case p_verdict when 'give_up' then 'gave_up' end,
               final_at = case p_verdict when 'give_up' then _now end,
               detail = coalesce(p_detail, o.detail)
         where o.id = any (p_ids) and o.state = 'uncertain';
        get diagnostics _resolved = row_count;
    else
        raise exception 'unknown verdict "%"', p_verdict
            using errcode = 'SM005', hint = 'Verdicts: accepted, resend, give_up.';
    end if;
    return _resolved;
end
$$;
comment on function sms.resolve_uncertain is 'Decide uncertain messages: accepted, resend or give_up; returns how many were decided.';
revoke execute on function sms.resolve_uncertain from public;
