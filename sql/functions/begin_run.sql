-- The first half of a launch: check the campaign and write down its run, so that whoever comes next can carry it on.
-- Returns the run: freezing (sms.freeze_run follows), or planned where the campaign starts later or again and again.
-- Errors: SM041 unfinished, SM042 under way already, SM044 not released, SM047 over, SM048 variables missing.
create or replace function sms.begin_run(p_campaign_id bigint)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := clock_timestamp();
    _campaign sms.campaign;
    _open sms.campaign_run;
    _state text;
    _run_id bigint;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id);
    if not pg_try_advisory_xact_lock(74031, p_campaign_id::int) then
        raise exception 'campaign "%" is being launched right now', _campaign.campaign
            using errcode = 'SM042', hint = 'Watch it, or try again when that has ended.';
    end if;
    select * into _open
      from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running', 'paused')
     order by r.run_id
     limit 1;
    if found then
        raise exception 'campaign "%" is % already (run %)', _campaign.campaign, _open.state, _open.run_id
            using errcode = 'SM042', hint = 'Stop it first, or wait until it has finished.';
    end if;
    perform sms.refuse_launch(_campaign, _now);
    _state := case when _campaign.cron is not null or _campaign.start_at > _now then 'planned' else 'freezing' end;
    insert into sms.campaign_run (campaign_id, state, channel, per_hour, ends_at, begins_at, begun_at)
    values (p_campaign_id, _state, _campaign.channel, _campaign.per_hour, _campaign.ends_at,
            case when _campaign.cron is null then greatest(_campaign.start_at, _now) end,
            case when _state = 'freezing' then _now end)
    returning run_id into _run_id;
    perform sms.log_activity('launched', 'campaign', _campaign.campaign, jsonb_build_object('run_id', _run_id, 'state', _state));
    perform pg_notify('sms_campaign', '');
    return _run_id;
end
$$;
comment on function sms.begin_run is 'First half of a launch: check the campaign, write down its run, planned or freezing.';
revoke execute on function sms.begin_run from public;
