-- Where a cap's period began for somebody in one of these zones; of several zones the earliest, so that no cap is exceeded.
-- Calendar periods are local: midnight, Monday, the first of the month. Null arguments give -infinity: count everything.
-- A table of one row, because a scalar with a sub-select would not be inlined.
create or replace function sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamptz)
    returns table (since timestamptz)
    language sql stable
as $$
    select coalesce(
        case when p_period = 'rolling' then p_as_of - p_span
             else (select min(date_trunc(p_period, p_as_of at time zone z) at time zone z) from unnest(p_zones) as z) end,
        '-infinity')
$$;
comment on function sms.period_start is 'Start of the day, ISO week, month or rolling span that a cap counts over.';
revoke execute on function sms.period_start from public;
