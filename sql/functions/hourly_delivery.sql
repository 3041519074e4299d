-- What was handed over and what arrived by the hour, in the days of setting statistics_zone; for a picture of a month.
create or replace function sms.hourly_delivery(p_from date, p_until date)
    returns table (day date, hour int, accepted bigint, delivered bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select (s.hour at time zone sms.statistics_zone())::date, extract(hour from s.hour at time zone sms.statistics_zone())::int,
           coalesce(sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)), 0)::bigint,
           coalesce(sum(s.messages) filter (where s.state = 'delivered'), 0)::bigint
      from sms.stat_hour as s
     where s.hour >= p_from::timestamp at time zone sms.statistics_zone()
       and s.hour < p_until::timestamp at time zone sms.statistics_zone()
     group by 1, 2
     order by 1, 2
$$;
comment on function sms.hourly_delivery is 'Handed over and arrived, by the hour.';
revoke execute on function sms.hourly_delivery from public;
