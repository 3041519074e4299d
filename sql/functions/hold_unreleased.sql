-- Four eyes while it runs: runs whose campaign needs a release that its contents of now do not have wait for one, and what is
-- queued of them is held. Returns how many messages are. Called by whatever changes a campaign, a text, an audience or a
-- channel, and by the chore that feeds. Waits for nobody: a run that the chore has in hand is looked at again by the chore.
create or replace function sms.hold_unreleased()
    returns bigint
    language plpgsql volatile
as $$
declare
    _run sms.campaign_run;
    _campaign sms.campaign;
    _held bigint := 0;
begin
    for _run in
        select r.*
          from sms.campaign_run as r
          join sms.campaign as c on c.campaign_id = r.campaign_id
         where r.state in ('planned', 'freezing', 'running') and not sms.is_released(c, r.channel)
         order by r.run_id
           for no key update of r skip locked
    loop
        select * into _campaign from sms.campaign as c where c.campaign_id = _run.campaign_id;
        update sms.campaign_run as r
           set state = 'paused', awaits_release = true,
               problem = 'awaits a release: ' || case when _campaign.released_at is null then 'it has none'
                                                      else 'it, its text or its audience changed since the last one' end
         where r.run_id = _run.run_id;
        _held := _held + sms.hold_queued(_run.campaign_id);
        perform sms.log_activity('held', 'campaign', _campaign.campaign,
                                 jsonb_build_object('run_id', _run.run_id, 'awaits', 'a release'));
    end loop;
    return _held;
end
$$;
comment on function sms.hold_unreleased is 'Runs whose campaign changed after its release wait for the next one; how many queued messages are held.';
revoke execute on function sms.hold_unreleased from public;
