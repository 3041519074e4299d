-- May more of this run be queued now? Not while its campaign needs a release that it does not have, nor while somebody is
-- changing it or its text: those rows are held until the end of the transaction, so that what is queued is what was released.
create or replace function sms.may_feed(p_run sms.campaign_run)
    returns boolean
    language plpgsql volatile
as $$
declare
    _campaign sms.campaign;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = p_run.campaign_id;
    if not sms.needs_release(_campaign, p_run.channel) then
        return true;
    end if;
    select * into _campaign from sms.campaign as c where c.campaign_id = p_run.campaign_id for share skip locked;
    if found then
        perform from sms.template as t where t.template = split_part(p_run.template, '@', 1) for share skip locked;
    end if;
    return found and sms.is_released(_campaign, p_run.channel);
end
$$;
comment on function sms.may_feed is 'Is what a run would queue released, and will it stay so until this transaction ends?';
revoke execute on function sms.may_feed from public;
