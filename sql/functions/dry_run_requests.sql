-- Requests that are not in the outbox, understood as the insert trigger would understand them at a moment.
-- reason: why a row would be refused; else fact is what the rules are asked about. Their ids are their places, from 1.
create or replace function sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamptz)
    returns table (fact sms.candidate, reason text, segments int, is_ucs2 boolean)
    language sql stable
as $$
    select (r.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, r.client_id, r.campaign_id,
            f.template_version_id, f.lane_id, f.channel_id, f.zone_id, f.priority, 1, 0, 0, null, 0)::sms.candidate,
           f.reason, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(p_rows) as r
      cross join lateral sms.interpret_request(
               r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
               r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, p_as_of) as f
      left join sms.template_version as v on v.template_version_id = f.template_version_id
      cross join lateral (
               select sms.sent_text(f.channel_id, case when v.body is null then r.body else sms.render(v.body, r.vars) end) as body
               offset 0
           ) as t
$$;
comment on function sms.dry_run_requests is 'Part of dry_run: how rows would be understood if they were inserted.';
revoke execute on function sms.dry_run_requests from public;
