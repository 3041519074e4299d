-- Since when sums by the hour are kept, from setting statistics_hours_months; sums by the day are kept for ever.
create or replace function sms.statistics_hours_since()
    returns timestamptz
    language sql stable
as $$
    select case when coalesce(max(s.value::int), 0) <= 0 then timestamptz '-infinity'
                else date_trunc('month', now() - make_interval(months => max(s.value::int)), 'UTC') end
      from sms.setting as s
     where s.setting = 'statistics_hours_months'
$$;
comment on function sms.statistics_hours_since is 'Since when hourly sums are kept.';
revoke execute on function sms.statistics_hours_since from public;
