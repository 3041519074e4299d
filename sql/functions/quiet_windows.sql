-- The silences of a category in one zone that begin yesterday, today or tomorrow by the local calendar, as moments.
-- Windows that cross midnight belong to the day on which they begin. A day is off when the production calendar says so,
-- else on Saturday and Sunday.
create or replace function sms.quiet_windows(p_category text, p_zone text, p_as_of timestamptz)
    returns table (quiet_hours_id int, begins timestamptz, ends timestamptz)
    language sql stable
as $$
    select q.quiet_hours_id,
           (d.day + q.quiet_from) at time zone p_zone,
           (d.day + q.quiet_until + case when q.quiet_until < q.quiet_from then interval '1 day' else interval '0' end)
               at time zone p_zone
      from (select (p_as_of at time zone p_zone)::date + n as day from generate_series(-1, 1) as n) as d
      left join sms.holiday as h on h.day = d.day
      cross join lateral (
               select extract(isodow from d.day)::int as iso_weekday,
                      coalesce(h.kind, case when extract(isodow from d.day) > 5 then 'off' else 'working' end) as kind
           ) as k
      join sms.quiet_hours as q
        on q.category = p_category
       and (q.iso_weekday is null or q.iso_weekday = k.iso_weekday)
       and (q.day_kind is null or q.day_kind = k.kind)
$$;
comment on function sms.quiet_windows is 'Silences of a category near a moment in one zone, with their begin and end.';
revoke execute on function sms.quiet_windows from public;
