-- Chore: runs whose recipients are not collected though their launch began a while ago: its launcher may have been killed.
-- sms.freeze_run carries on, unless it is still at work.
create or replace function sms.unfrozen_runs(p_as_of timestamptz default null)
    returns setof bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select r.run_id from sms.campaign_run as r
     where r.state = 'freezing' and r.frozen_at is null and r.begun_at < coalesce(p_as_of, clock_timestamp()) - interval '3 seconds'
     order by r.run_id
$$;
comment on function sms.unfrozen_runs is 'Chore. Runs whose launcher may have been killed before their recipients were collected.';
revoke execute on function sms.unfrozen_runs from public;
