-- What was asked and how it was understood: channel, number, operator, zone and where the zone came from. No text.
-- A request that was refused when it came in has the reason, and what was wrong in facts.
create or replace function sms.explain_request(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'request', case when x.reason is null then 'understood' else 'refused' end, x.reason,
           'channel ' || o.channel || ', operator ' || coalesce(op.operator, '?') || ', zone ' || coalesce(z.name, 'unknown')
               || ' (' || case when k.zone_id is not null and k.zone_id <> f.zone_id then 'as it was understood when it came in'
                               when f.zone_source like 'nothing%' then f.zone_source
                               else 'from ' || f.zone_source end || ')',
           o.created_at,
           jsonb_build_object('erp_ref', o.erp_ref, 'client_id', o.client_id, 'campaign_id', o.campaign_id,
                              'priority', f.priority, 'not_before', f.not_before, 'expires_at', f.expires_at,
                              'msisdn', k.msisdn, 'region', g.region,
                              'segments', sms.segments(sms.sent_text(f.channel_id, coalesce(sms.render(v.body, o.vars), o.body, ''))))
               || coalesce(sms.explain_refusal(p_id, x.reason), '{}')
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
      cross join lateral (
               select coalesce(p.msisdn, i.msisdn, r.msisdn) as msisdn, coalesce(p.zone_id, i.zone_id, r.zone_id) as zone_id,
                      coalesce(p.lane_id, i.lane_id, r.lane_id) as lane_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id) as template_version_id
           ) as k
      left join lateral (   -- refused when it came in: no rule was asked, so there is no detail
               select r.reason
                 from sms.reason as e
                where e.reason = r.reason and r.state = 'suppressed' and r.attempts = 0
                  and (e.rank <= 3 or e.reason = 'expired' and r.detail is null)
           ) as x on true
      left join sms.template_version as v on v.template_version_id = k.template_version_id
      left join sms.lane as l on l.lane_id = k.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.time_zone as z on z.zone_id = coalesce(k.zone_id, f.zone_id)
      left join lateral (
               select r.lo, r.hi, r.region from sms.number_range as r where r.lo <= k.msisdn order by r.lo desc limit 1
           ) as g on g.hi >= k.msisdn
     where o.id = p_id
$$;
comment on function sms.explain_request is 'Part of explain: what was asked and how it was understood.';
revoke execute on function sms.explain_request from public;
