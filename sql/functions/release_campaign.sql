-- Four eyes: release a campaign as it is now, by its name or id. Refused (SM045) to whoever wrote a part of it, its text or
-- its audience, or changed one since its last release. Holds until one of them changes. A run that waited for it goes on.
create or replace function sms.release_campaign(p_campaign_id bigint)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign sms.campaign;
    _authors text[];
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id) for update;
    _authors := sms.campaign_authors(_campaign);
    if session_user = any (_authors) then
        raise exception 'campaign "%", its text or its audience was written by "%": somebody else must release it',
              _campaign.campaign, session_user
            using errcode = 'SM045', hint = 'Those who wrote it: ' || array_to_string(_authors, ', ') || '.';
    end if;
    update sms.campaign as c
       set released_at = clock_timestamp(), released_by = session_user, released_digest = sms.campaign_digest(_campaign),
           writers = '{}'
     where c.campaign_id = _campaign.campaign_id;
    perform sms.log_activity('released', 'campaign', _campaign.campaign,
                             jsonb_build_object('held', sms.let_go_on(_campaign.campaign_id, true)));
end
$$;
comment on function sms.release_campaign(bigint) is 'Four eyes: release a campaign as it is now; refused to whoever wrote it.';
revoke execute on function sms.release_campaign(bigint) from public;

create or replace function sms.release_campaign(p_campaign text)
    returns void
    language sql volatile
as $$ select sms.release_campaign(sms.find_campaign(p_campaign)) $$;
comment on function sms.release_campaign(text) is 'Four eyes: release a campaign as it is now; refused to whoever wrote it.';
revoke execute on function sms.release_campaign(text) from public;
