-- Parts of a text in which every unit is one character and U+001B binds to the character after it.
-- Takes units that fit alone and units to a part; a part that would end with U+001B ends one unit earlier.
create or replace function sms.count_parts(p_units text, p_alone int, p_part int)
    returns int
    language plpgsql immutable strict parallel safe
as $$
declare
    _length int := length(p_units);
    _end int := 0;
    _parts int := 0;
begin
    if _length <= p_alone then
        return least(_length, 1);
    end if;
    while _end < _length loop
        _end := _end + p_part;
        if substr(p_units, _end, 1) = E'\x1b' then
            _end := _end - 1;
        end if;
        _parts := _parts + 1;
    end loop;
    return _parts;
end
$$;
comment on function sms.count_parts is
    'Parts of a text whose units are characters, never cut after U+001B. Behind sms.segments.';
revoke execute on function sms.count_parts from public;
