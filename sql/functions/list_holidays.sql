-- The days of a span that are not as their weekday: off or working, from sms.holiday.
create or replace function sms.list_holidays(p_from date, p_until date)
    returns table (day date, kind text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select h.day, h.kind from sms.holiday as h where h.day >= p_from and h.day < p_until order by h.day
$$;
comment on function sms.list_holidays is 'Days of a span that are not as their weekday.';
revoke execute on function sms.list_holidays from public;
