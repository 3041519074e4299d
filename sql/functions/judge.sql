-- What the rules say about these messages at a moment. Writes nothing; claim, explain and dry run agree by construction.
-- Messages without a usable number have no row: they were refused when they came in.
create or replace function sms.judge(ids bigint[], as_of timestamptz default clock_timestamp())
    returns table (id bigint, verdict text, reason text, detail text, not_before timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
    select j.id, j.verdict, j.reason, j.detail, j.not_before
      from sms.judge_batch(sms.candidates(ids), as_of) as j
$$;
comment on function sms.judge is 'Verdict of all rules on these messages at a moment: send, defer (until not_before) or suppress, with the reason.';
revoke execute on function sms.judge from public;
