-- What was asked and how it was understood: channel, number, lane, zone and where the zone came from. No text.
create or replace function sms.explain_request(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'request', case when f.reason is null then 'understood' else 'refused' end, f.reason,
           'channel ' || o.channel || ', operator ' || coalesce(op.operator, '?') || ', zone ' || coalesce(z.name, 'unknown')
               || ' (' || f.zone_source || ')',
           o.created_at,
           jsonb_build_object('erp_ref', o.erp_ref, 'client_id', o.client_id, 'campaign_id', o.campaign_id,
                              'priority', f.priority, 'not_before', f.not_before, 'expires_at', f.expires_at,
                              'msisdn', f.msisdn, 'segments', sms.segments(coalesce(o.body, '')), 'region', g.region)
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.lane as l on l.lane_id = f.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.time_zone as z on z.zone_id = f.zone_id
      left join lateral (
               select r.lo, r.region from sms.number_range as r where r.lo <= f.msisdn and r.hi >= f.msisdn
                order by r.lo desc limit 1
           ) as g on true
     where o.id = p_id
$$;
comment on function sms.explain_request is 'Part of explain: what was asked and how it was understood.';
revoke execute on function sms.explain_request from public;
