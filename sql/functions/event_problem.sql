-- Which declared variables of an event are missing or unreadable, as one sentence; null when all is well.
create or replace function sms.event_problem(p_variables jsonb, p_vars jsonb)
    returns text
    language plpgsql stable   -- keeps its plan: as SQL it was planned again in every transaction (0.1 ms)
as $$
declare
    _name text;
    _kind text;
    _value text;
    _problem text;
begin
    for _name, _kind in select d.key, d.value from jsonb_each_text(p_variables) as d order by d.key loop
        _value := nullif(p_vars ->> _name, '');
        if _value is null then
            if _kind not like '%?' then
                _problem := concat_ws('; ', _problem, _name || ' is missing');
            end if;
        elsif (case rtrim(_kind, '?') when 'number' then _value !~ '^[+-]?\d+([.,]\d+)?$'
                                     when 'boolean' then _value not in ('true', 'false')
                                     when 'text' then false
                                     else sms.event_moment(_value, null, '0', null, array['UTC']) is null end) then
            _problem := concat_ws('; ', _problem, _name || ' is no ' || rtrim(_kind, '?'));
        end if;
    end loop;
    return _problem;
end
$$;
comment on function sms.event_problem is 'Declared variables of an event that are missing or unreadable, as a sentence; null = none.';
revoke execute on function sms.event_problem from public;
