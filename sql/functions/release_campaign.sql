-- Four eyes: release a campaign as it is now, by its name or id. Refused (SM045) to whoever changed it last or wrote the
-- text it would send. Holds until its contents, its text or its audience change.
create or replace function sms.release_campaign(p_campaign_id bigint)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign sms.campaign;
    _writer text;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id) for update;
    select v.created_by into _writer
      from sms.template as t
      join sms.template_version as v on v.template_id = t.template_id
     where t.template = split_part(_campaign.template, '@', 1)
       and (_campaign.template not like '%@%' or v.version_no::text = split_part(_campaign.template, '@', 2))
     order by v.template_version_id desc
     limit 1;
    if session_user in (_campaign.changed_by, _writer) then
        raise exception 'campaign "%" was written by "%": somebody else must release it', _campaign.campaign, session_user
            using errcode = 'SM045';
    end if;
    update sms.campaign as c
       set released_at = clock_timestamp(), released_by = session_user, released_digest = sms.campaign_digest(_campaign)
     where c.campaign_id = _campaign.campaign_id;
    perform sms.log_activity('released', 'campaign', _campaign.campaign);
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
