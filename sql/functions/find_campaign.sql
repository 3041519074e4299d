-- The campaign somebody means: by its name, else by its id written as text.
-- Error SM040 with the names of the youngest ones when there is none.
create or replace function sms.find_campaign(p_campaign text)
    returns bigint
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign_id bigint;
    _channels text[] := sms.my_channels();
begin
    select c.campaign_id into _campaign_id from sms.campaign as c
     where c.campaign = p_campaign and coalesce(c.channel = any (_channels), true);
    if not found and p_campaign ~ '^[0-9]{1,18}$' then
        select c.campaign_id into _campaign_id from sms.campaign as c
         where c.campaign_id = p_campaign::bigint and coalesce(c.channel = any (_channels), true);
    end if;
    if _campaign_id is null then
        raise exception 'unknown campaign "%"', coalesce(p_campaign, 'null')
            using errcode = 'SM040',
                  hint = coalesce('The latest are: '
                             || (select string_agg(k.campaign, ', ')
                                   from (select c.campaign from sms.campaign as c where coalesce(c.channel = any (_channels), true) order by c.campaign_id desc limit 10) as k)
                             || '.', 'There are no campaigns yet.');
    end if;
    return _campaign_id;
end
$$;
comment on function sms.find_campaign is 'The id of the campaign with this name, or this id as text; error SM040 when there is none.';
revoke execute on function sms.find_campaign from public;
