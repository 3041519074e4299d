-- Count again the hours in which outcomes changed, and their days; the latest hours first, so that today is fresh first.
-- A month that is over is summed up once nothing in it changed for an hour. Returns how many hours were counted; as many as p_limit: call again. The notes are taken before the counting begins:
-- what commits meanwhile leaves its own note. Hours whose requests were dropped by retention keep their sums, and so
-- does a day that began among them, unless the sums of all its hours are still there.
create or replace function sms.roll_up_statistics(p_limit int default 50, p_as_of timestamptz default null)
    returns int
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _hours int[];
    _months date[];
    _kept_since bigint := (select min(sms.id_at(m.month)) from sms.partition_months('outbox') as m);
begin
    perform pg_advisory_xact_lock(74020, 13);
    _hours := array(select distinct d.hour_no from sms.stat_dirty as d order by 1 desc limit p_limit);
    delete from sms.stat_dirty as d where d.hour_no = any (_hours);
    perform sms.count_hour(h) from unnest(_hours) as h
      where (h::bigint * 3600000) << 22 >= _kept_since;
    perform sms.count_day(d.day)
       from (select distinct (sms.stat_hour_at(h) at time zone sms.statistics_zone())::date as day from unnest(_hours) as h
              where (h::bigint * 3600000) << 22 >= _kept_since) as d
      where d.day::timestamp at time zone sms.statistics_zone() >= least(sms.id_time(_kept_since), sms.statistics_hours_since());
    _months := array(select distinct date_trunc('month', sms.stat_hour_at(h) at time zone sms.statistics_zone())::date
                       from unnest(_hours) as h);
    perform sms.count_volume(m) from unnest(_months) as m;
    delete from sms.stat_month as s where s.month = any (_months);
    perform sms.count_month(k.month)
       from (select v.month
               from sms.month_volume as v
              where v.month < date_trunc('month', _now at time zone sms.statistics_zone())
                and not exists (select from sms.stat_month as s where s.month = v.month)
              group by v.month
             having max(v.counted_at) < _now - interval '1 hour'
              order by v.month desc
              limit 1) as k;
    delete from sms.stat_hour as s where s.hour < sms.statistics_hours_since();
    delete from sms.stat_region_hour as s where s.hour < sms.statistics_hours_since();
    return cardinality(_hours);
end
$$;
comment on function sms.roll_up_statistics is 'Chore. Count again the hours in which something changed; returns how many.';
revoke execute on function sms.roll_up_statistics from public;
