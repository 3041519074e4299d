-- Stop a campaign for good, by its name or id: what is queued ends suppressed (campaign_stopped), the rest is never queued
-- and counted as unsent, a planned run is dropped. What a worker has in hand goes out. Returns how many people are spared.
-- Error SM043 when nothing of it is under way. It may be launched anew.
create or replace function sms.stop_campaign(p_campaign_id bigint)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _waiting bigint;
    _queued int;
begin
    select coalesce(sum(r.waiting), 0) into _waiting
      from sms.open_runs(p_campaign_id, array['planned', 'freezing', 'running', 'paused'], 'stopped') as r;
    perform sms.end_run(r.run_id, 'stopped', 'campaign_stopped')
       from sms.campaign_run as r
      where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running', 'paused');
    _queued := sms.suppress_queued(p_campaign_id, 'campaign_stopped', 'stopped by ' || session_user);
    perform sms.log_activity('stopped', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('suppressed', _queued, 'unsent', _waiting));
    return _queued + _waiting;
end
$$;
comment on function sms.stop_campaign(bigint) is 'Stop a campaign for good; how many people are spared its message.';
revoke execute on function sms.stop_campaign(bigint) from public;

create or replace function sms.stop_campaign(p_campaign text)
    returns bigint
    language sql volatile
as $$ select sms.stop_campaign(sms.find_campaign(p_campaign)) $$;
comment on function sms.stop_campaign(text) is 'Stop a campaign for good; how many people are spared its message.';
revoke execute on function sms.stop_campaign(text) from public;
