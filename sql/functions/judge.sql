-- What the rules say about these messages at a moment. Writes nothing; claim, explain and dry run agree by construction.
-- Who may not read texts is not told of duplicates (sms.told_facts).
-- Requests that can never be sent (no usable number, no text, …) are suppressed here as they were when they came in.
create or replace function sms.judge(ids bigint[], as_of timestamptz default clock_timestamp())
    returns table (id bigint, verdict text, reason text, detail text, not_before timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
    select o.id,
           case when r.id is null then j.verdict else 'suppress' end,
           coalesce(r.reason, j.reason),
           case when r.id is null then j.detail end,
           case when r.id is null then j.not_before end
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.outcome as r on r.id = o.id and r.state = 'suppressed' and r.attempts = 0 and r.reason = f.reason
      left join sms.judge_batch(sms.told_facts(sms.candidates(ids)), as_of) as j on j.id = o.id
     where o.id = any (sms.my_messages(ids))
$$;
comment on function sms.judge is 'Verdict of all rules on these messages at a moment: send, defer (until not_before) or suppress, with the reason.';
revoke execute on function sms.judge from public;
