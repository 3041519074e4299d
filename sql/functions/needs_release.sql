-- Four eyes: does this campaign need a release? Where it says so itself, or its channel, or the channel of its run does.
create or replace function sms.needs_release(p_campaign sms.campaign, p_run_channel text default null)
    returns boolean
    language sql stable
as $$
    select p_campaign.needs_release
           or exists (select from sms.channel as c where c.channel in (p_campaign.channel, p_run_channel) and c.needs_release)
$$;
comment on function sms.needs_release is 'Does this campaign, its channel or that of its run ask for a release?';
revoke execute on function sms.needs_release from public;
