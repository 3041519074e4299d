-- The moment that lies p_shift after a date, a moment or (null) an instant, at p_at_local where the subscriber lives.
-- Days are counted by the local calendar, hours by the clock. A value is a date (2026-12-31), a local time, or a moment with
-- its offset. Of several possible zones the latest counts: nobody is written to before that hour. A local time that a change
-- of clocks leaves out is moved by it, one that occurs twice is the second. Null when the value is no date.
create or replace function sms.event_moment(p_value text, p_instant timestamptz, p_shift interval, p_at_local time, p_zones text[])
    returns timestamptz
    language plpgsql stable
as $$
declare
    _days interval := date_trunc('day', p_shift);
    _zone text;
    _local timestamp;
    _latest timestamptz;
begin
    if p_value is not null and p_value !~ '^\d{4}-\d\d-\d\d([T ]|$)' then
        return null;
    end if;
    foreach _zone in array p_zones loop
        _local := case when p_value is null then p_instant at time zone _zone
                       when p_value ~ '[T ].*(Z|[+-]\d\d(:?\d\d)?)$' then p_value::timestamptz at time zone _zone
                       else p_value::timestamp end;
        _latest := greatest(_latest, case when p_at_local is null then (_local + _days) at time zone _zone + (p_shift - _days)
                                          else ((_local + _days)::date + p_at_local) at time zone _zone end);
    end loop;
    if _latest > timestamptz '9999-01-01 00:00Z' then   -- "never", which not every client can read
        _latest := timestamptz '9999-01-01 00:00Z';
    end if;
    return _latest;
exception when data_exception then
    return null;
end
$$;
comment on function sms.event_moment is 'The moment a shift away from a date, at a time of day where the subscriber lives.';
revoke execute on function sms.event_moment from public;
