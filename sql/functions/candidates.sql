-- The facts of messages by id, whatever state they are in, as rules take them.
-- A message that waits keeps the facts it was accepted with; for others they are worked out again from the request.
create or replace function sms.candidates(p_ids bigint[])
    returns sms.candidate[]
    language sql stable
as $$
    select array_agg((o.id, coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn), coalesce(p.not_before, f.not_before),
                      coalesce(p.expires_at, i.expires_at, f.expires_at),
                      f.dedup_key, f.ref_hash, o.client_id, o.campaign_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id, f.template_version_id),
                      coalesce(p.lane_id, i.lane_id, r.lane_id, f.lane_id), ch.channel_id,
                      coalesce(p.zone_id, i.zone_id, r.zone_id, f.zone_id), f.priority,
                      coalesce(p.attempt, i.attempt, r.attempts), 0, 0, null::tid, 0)::sms.candidate)
      from sms.outbox as o
      join sms.channel as ch on ch.channel = o.channel
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
     where o.id = any (p_ids) and coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn) is not null
$$;
comment on function sms.candidates is 'The facts rules ask for, of these messages, in any state.';
revoke execute on function sms.candidates from public;
