-- Chore: planned runs whose moment has come, or still has to be worked out from the cron expression; is_busy while an
-- earlier run of the campaign is under way.
create or replace function sms.due_runs(p_as_of timestamptz default null)
    returns table (
        run_id bigint, campaign text, cron text, cron_zone text, missed_runs text, begins_at timestamptz, is_busy boolean
    )
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select r.run_id, c.campaign, c.cron, c.cron_zone, c.missed_runs, r.begins_at,
           exists (select from sms.campaign_run as x
                    where x.campaign_id = r.campaign_id
                      and (x.state in ('freezing', 'running') or (x.state = 'paused' and x.begun_at is not null)))
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.state = 'planned' and (r.begins_at is null or r.begins_at <= coalesce(p_as_of, clock_timestamp()))
     order by r.begins_at nulls first, r.run_id
$$;
comment on function sms.due_runs is 'Chore. Planned runs whose moment has come or has to be worked out.';
revoke execute on function sms.due_runs from public;
