-- Chore: the moment of a planned run has come: it is freezing now, with the settings the campaign has by now, and the next
-- one is planned for p_next (null: none). False when it is no longer planned, or its moment has not come.
create or replace function sms.start_run(p_run_id bigint, p_next timestamptz, p_skipped int default 0)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign sms.campaign;
begin
    select c.* into _campaign
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.run_id = p_run_id and r.state = 'planned' and r.begins_at <= clock_timestamp()
       for no key update of r;
    if not found then
        return false;
    end if;
    update sms.campaign_run as r
       set state = 'freezing', begun_at = clock_timestamp(), channel = _campaign.channel, per_hour = _campaign.per_hour,
           ends_at = _campaign.ends_at
     where r.run_id = p_run_id;
    perform sms.log_activity('started', 'run', p_run_id::text,
                             jsonb_build_object('campaign', _campaign.campaign, 'next', p_next)
                             || case when p_skipped > 0 then jsonb_build_object('missed', p_skipped) else '{}' end);
    if p_next < coalesce(_campaign.ends_at, 'infinity') then
        insert into sms.campaign_run (campaign_id, state, channel, per_hour, ends_at, begins_at)
        values (_campaign.campaign_id, 'planned', _campaign.channel, _campaign.per_hour, _campaign.ends_at, p_next);
    end if;
    return true;
end
$$;
comment on function sms.start_run is 'Chore. A planned run begins to collect its recipients; the next one is planned.';
revoke execute on function sms.start_run from public;
