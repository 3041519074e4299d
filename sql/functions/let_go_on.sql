-- Let the paused runs of a campaign go on, all or only those that wait for a release: what was held is due again at its own
-- moment, feeding goes on, a planned run waits for its moment again. Returns how many messages were held.
create or replace function sms.let_go_on(p_campaign_id bigint, p_only_awaiting boolean)
    returns int
    language plpgsql volatile
as $$
begin
    update sms.campaign_run as r
       set state = case when r.begun_at is null then 'planned' when r.frozen_at is null then 'freezing' else 'running' end,
           awaits_release = false, problem = null
     where r.campaign_id = p_campaign_id and r.state = 'paused' and (r.awaits_release or not p_only_awaiting);
    if not found then
        return 0;
    end if;
    perform pg_notify('sms_campaign', '');
    return sms.release_queued(p_campaign_id);
end
$$;
comment on function sms.let_go_on is 'Let paused runs of a campaign go on, all or those that wait for a release; how many messages were held.';
revoke execute on function sms.let_go_on from public;
