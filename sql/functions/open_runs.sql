-- Lock and return the runs of a campaign that are in one of these states; error SM043 when there is none, saying what
-- cannot be done and where its last run stands.
create or replace function sms.open_runs(p_campaign_id bigint, p_states text[], p_wish text)
    returns setof sms.campaign_run
    language plpgsql volatile
as $$
declare
    _campaign text;
    _last text;
begin
    select c.campaign into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id);
    return query
    select r.* from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state = any (p_states)
     order by r.run_id
       for no key update;
    if not found then
        select r.state into _last from sms.campaign_run as r where r.campaign_id = p_campaign_id order by r.run_id desc limit 1;
        raise exception 'campaign "%" cannot be %: %', _campaign, p_wish,
              coalesce('its last run is ' || _last, 'it was never launched')
            using errcode = 'SM043';
    end if;
end
$$;
comment on function sms.open_runs is 'Lock the runs of a campaign in these states; error SM043 when there is none.';
revoke execute on function sms.open_runs from public;
