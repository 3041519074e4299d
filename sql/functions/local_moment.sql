-- The first moment not before p_after at which it is p_time, or later that day, for everybody in these zones. Somebody whose
-- zone is not known exactly is not woken early: the westernmost possible clock decides.
create or replace function sms.local_moment(p_zones text[], p_time time, p_after timestamptz)
    returns timestamptz
    language sql stable
as $$
    select min(k.moment)
      from (select max((d.day + p_time) at time zone z) as moment
              from generate_series(-2, 3) as n
              cross join lateral (select (p_after at time zone 'UTC')::date + n as day) as d
              cross join unnest(p_zones) as z
             group by n) as k
     where k.moment >= p_after
$$;
comment on function sms.local_moment is 'The first moment at which all of these zones have reached a time of day.';
revoke execute on function sms.local_moment from public;
