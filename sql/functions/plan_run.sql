-- Chore: give a planned run its moment, worked out from the cron expression; p_skipped tells how many moments were missed
-- and will not be made up for. Without a moment before the campaign's ends_at there is none any more: the run is dropped.
-- Left alone while its moment has not come, so that the worker plans what is due and moves nothing else.
create or replace function sms.plan_run(p_run_id bigint, p_moment timestamptz, p_skipped int default 0)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign sms.campaign;
begin
    select c.* into _campaign
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.run_id = p_run_id and r.state = 'planned' and coalesce(r.begins_at, '-infinity') <= clock_timestamp()
       for no key update of r;
    if not found then
        return;
    end if;
    if p_skipped > 0 then
        perform sms.log_activity('skipped', 'campaign', _campaign.campaign, jsonb_build_object('missed', p_skipped, 'next', p_moment));
    end if;
    if p_moment is null or p_moment >= _campaign.ends_at then
        perform sms.end_run(p_run_id, 'stopped', null, 'no further moment before the campaign''s ends_at');
        return;
    end if;
    update sms.campaign_run as r set begins_at = p_moment where r.run_id = p_run_id;
end
$$;
comment on function sms.plan_run is 'Chore. Give a planned run its moment, or drop it where none is left.';
revoke execute on function sms.plan_run from public;
