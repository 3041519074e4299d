-- Pause a campaign, by its name or id: nothing more is queued, what is queued is held, a planned run does not begin. What a
-- worker has in hand goes out. Returns how many queued messages are held. A run that waits for a release stays paused when
-- that comes. Error SM043 when nothing of it is under way.
create or replace function sms.pause_campaign(p_campaign_id bigint)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _held int;
begin
    update sms.campaign_run as r
       set awaits_release = false
     where r.campaign_id = p_campaign_id and r.state = 'paused' and r.awaits_release;
    if not found then
        perform from sms.open_runs(p_campaign_id, array['planned', 'freezing', 'running'], 'paused');
    end if;
    update sms.campaign_run as r
       set state = 'paused'
     where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running');
    _held := sms.hold_queued(p_campaign_id);
    perform sms.log_activity('paused', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('held', _held));
    return _held;
end
$$;
comment on function sms.pause_campaign(bigint) is 'Pause a campaign: feed nothing more, hold what is queued; how many messages are held.';
revoke execute on function sms.pause_campaign(bigint) from public;

create or replace function sms.pause_campaign(p_campaign text)
    returns int
    language sql volatile
as $$ select sms.pause_campaign(sms.find_campaign(p_campaign)) $$;
comment on function sms.pause_campaign(text) is 'Pause a campaign: feed nothing more, hold what is queued; how many messages are held.';
revoke execute on function sms.pause_campaign(text) from public;
