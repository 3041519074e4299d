-- Launch a campaign, by its name or id: its recipients are frozen and the run begins; returns the run. Where the campaign
-- starts later, or by cron, the run is planned and its recipients are frozen at its moment. All in one transaction.
-- Errors as of sms.begin_run. A million recipients take most of a minute; outbox campaign launch shows it happening.
create or replace function sms.launch_campaign(p_campaign_id bigint)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _run_id bigint := sms.begin_run(p_campaign_id);
begin
    perform sms.freeze_run(_run_id);   -- a planned run is left as it is
    return _run_id;
end
$$;
comment on function sms.launch_campaign(bigint) is 'Launch a campaign: freeze its recipients and begin, or plan its run; returns the run.';
revoke execute on function sms.launch_campaign(bigint) from public;

create or replace function sms.launch_campaign(p_campaign text)
    returns bigint
    language sql volatile
as $$ select sms.launch_campaign(sms.find_campaign(p_campaign)) $$;
comment on function sms.launch_campaign(text) is 'Launch a campaign: freeze its recipients and begin, or plan its run; returns the run.';
revoke execute on function sms.launch_campaign(text) from public;
