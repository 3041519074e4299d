-- Raise SM044 where a campaign needs a release that its present contents do not have; silent otherwise.
create or replace function sms.refuse_unreleased(p_campaign sms.campaign, p_run_channel text default null)
    returns void
    language plpgsql stable
as $$
begin
    if not sms.is_released(p_campaign, p_run_channel) then
        raise exception 'campaign "%" needs a release%', p_campaign.campaign,
              case when p_campaign.released_at is null then '' else ': it, its text or its audience changed since the last one' end
            using errcode = 'SM044',
                  hint = 'Somebody else than its authors calls sms.release_campaign. They are: '
                         || array_to_string(sms.campaign_authors(p_campaign), ', ') || '.';
    end if;
end
$$;
comment on function sms.refuse_unreleased is 'Error SM044 where a campaign needs a release that its present contents do not have.';
revoke execute on function sms.refuse_unreleased from public;
