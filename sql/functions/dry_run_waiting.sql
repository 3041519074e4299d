-- The messages of a campaign that are queued, with the facts they were accepted with, in the shape of dry_run_requests.
-- Those that a pause holds are foretold as if it ended now.
create or replace function sms.dry_run_waiting(p_campaign_id bigint)
    returns table (fact sms.candidate, reason text, segments int, is_ucs2 boolean)
    language sql stable
as $$
    select case when c.not_before > c.expires_at and c.not_before >= timestamptz '3000-01-01 00:00Z'
                then sms.dry_run_again(c, c.not_before - sms.hold_span()) else c end,
           null, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(sms.told_facts(sms.candidates(array(select p.id from sms.pending as p where p.campaign_id = p_campaign_id)))) as c
      join sms.outbox as o on o.id = c.id
      left join sms.template_version as v on v.template_version_id = c.template_version_id
      cross join lateral (
               select sms.sent_text(c.channel_id, case when v.body is null then o.body else sms.render(v.body, o.vars) end) as body
               offset 0
           ) as t
$$;
comment on function sms.dry_run_waiting is 'Part of dry_run: the messages of a campaign that still wait.';
revoke execute on function sms.dry_run_waiting from public;
