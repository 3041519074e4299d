-- The zone whose days statistics count in, from setting statistics_zone; the company's own, not the subscriber's.
create or replace function sms.statistics_zone()
    returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select s.value from sms.setting as s where s.setting = 'statistics_zone'), 'Europe/Moscow')
$$;
comment on function sms.statistics_zone is 'The zone in which statistics cut days.';
revoke execute on function sms.statistics_zone from public;
