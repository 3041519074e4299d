-- This id, where there is a campaign with it, of a channel that this login may see; else error SM040. Not sms.find_campaign: a campaign may be called by a number
-- that is another one's id.
create or replace function sms.known_campaign(p_campaign_id bigint)
    returns bigint
    language plpgsql stable
as $$
begin
    if not exists (select from sms.campaign as c
                    where c.campaign_id = p_campaign_id and coalesce(c.channel = any (sms.my_channels()), true)) then
        raise exception 'unknown campaign "%"', coalesce(p_campaign_id::text, 'null')
            using errcode = 'SM040', hint = 'Give an id of sms.campaign, or a name as text.';
    end if;
    return p_campaign_id;
end
$$;
comment on function sms.known_campaign is 'This id, where there is a campaign with it; else error SM040.';
revoke execute on function sms.known_campaign from public;
