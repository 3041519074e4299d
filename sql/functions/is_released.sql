-- May this campaign be sent as it is now? True where nobody asks for a release, or its present contents have one.
create or replace function sms.is_released(p_campaign sms.campaign, p_run_channel text default null)
    returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select not sms.needs_release(p_campaign, p_run_channel)
           or p_campaign.released_digest is not distinct from sms.campaign_digest(p_campaign)
$$;
comment on function sms.is_released is 'True where a campaign needs no release, or has one for its present contents.';
revoke execute on function sms.is_released from public;
