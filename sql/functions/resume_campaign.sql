-- Resume a paused campaign, by its name or id: what was held is due again at its own moment, feeding goes on, a planned run
-- waits for its moment again. Returns how many messages were held. Error SM043 when it is not paused, SM044 when it changed
-- after its release.
create or replace function sms.resume_campaign(p_campaign_id bigint)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _back int;
begin
    perform sms.refuse_unreleased(c, r.channel)
       from sms.open_runs(p_campaign_id, array['paused'], 'resumed') as r
       join sms.campaign as c on c.campaign_id = r.campaign_id;
    _back := sms.let_go_on(p_campaign_id, false);
    perform sms.log_activity('resumed', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('held', _back));
    return _back;
end
$$;
comment on function sms.resume_campaign(bigint) is 'Resume a paused campaign; how many held messages are due again.';
revoke execute on function sms.resume_campaign(bigint) from public;

create or replace function sms.resume_campaign(p_campaign text)
    returns int
    language sql volatile
as $$ select sms.resume_campaign(sms.find_campaign(p_campaign)) $$;
comment on function sms.resume_campaign(text) is 'Resume a paused campaign; how many held messages are due again.';
revoke execute on function sms.resume_campaign(text) from public;
