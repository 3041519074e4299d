-- Campaigns on the schedule that history does not tell of: those that never ran and will start, once or by cron.
-- recipients = what their audience yields today, less the share held out; null where it cannot be read.
create or replace function sms.scheduled_campaigns(p_as_of timestamptz default clock_timestamp())
    returns table (campaign text, channel text, starts_at timestamptz, cron text, cron_zone text, ends_at timestamptz,
                   recipients bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _c sms.campaign;
begin
    for _c in
        select k.* from sms.campaign as k
         where k.audience is not null and coalesce(k.ends_at > p_as_of, true)
           and not exists (select from sms.campaign_run as r where r.campaign_id = k.campaign_id and r.frozen_at is not null)
           and (k.cron is not null
                or exists (select from sms.campaign_run as r where r.campaign_id = k.campaign_id and r.state = 'planned'))
    loop
        select k.campaign, k.channel, coalesce(r.begins_at, k.start_at, p_as_of), k.cron, k.cron_zone, k.ends_at
          into campaign, channel, starts_at, cron, cron_zone, ends_at
          from sms.campaign as k
          left join sms.campaign_run as r on r.campaign_id = k.campaign_id and r.state = 'planned'
         where k.campaign_id = _c.campaign_id;
        begin
            select round(count(*) * (1 - _c.holdout_percent / 100))::bigint into recipients from sms.run_audience(_c.audience);
        exception when others then
            recipients := null;
        end;
        return next;
    end loop;
end
$$;
comment on function sms.scheduled_campaigns is 'Campaigns that will run for the first time, and how many they will reach: what a forecast adds to history.';
revoke execute on function sms.scheduled_campaigns from public;
