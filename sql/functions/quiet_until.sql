-- When silence ends for this category for somebody in one of these zones; null when it is not silent at as_of.
-- Of several possible zones all must be out of silence. Local clocks decide, so daylight saving is right by itself.
-- infinity when no allowed moment exists within two weeks (windows that silence everything).
create or replace function sms.quiet_until(p_category text, p_zones text[], p_as_of timestamptz)
    returns timestamptz
    language plpgsql stable
as $$
declare
    _at timestamptz := p_as_of;
    _end timestamptz;
begin
    loop
        select max(w.ends) into _end
          from unnest(p_zones) as z
          cross join lateral sms.quiet_windows(p_category, z, _at) as w
         where w.begins <= _at and _at < w.ends;
        exit when _end is null;
        _at := _end;
        if _at > p_as_of + interval '14 days' then
            return timestamptz 'infinity';
        end if;
    end loop;
    return nullif(_at, p_as_of);
end
$$;
comment on function sms.quiet_until is 'The first moment after as_of at which this category may be sent in all of these zones; null = now.';
revoke execute on function sms.quiet_until from public;
