-- The text of a template with {{variable}} and {{variable|default}} filled in from a flat JSON object.
-- Null when a variable without a default is missing or null. Values are inserted as they are, never expanded again.
create or replace function sms.render(p_body text, p_vars jsonb)
    returns text
    language plpgsql stable
as $$
declare
    _piece text;
    _text text := '';
    _rest text := p_body;
    _open int;
    _close int;
    _value text;
begin
    loop
        _open := position('{{' in _rest);
        _close := position('}}' in substr(_rest, _open + 2));
        exit when _open = 0 or _close = 0;
        _piece := substr(_rest, _open + 2, _close - 1);
        _value := coalesce(p_vars ->> btrim(split_part(_piece, '|', 1)),
                           case when position('|' in _piece) > 0 then substr(_piece, position('|' in _piece) + 1) end);
        if _value is null then
            return null;
        end if;
        _text := _text || substr(_rest, 1, _open - 1) || _value;
        _rest := substr(_rest, _open + _close + 3);
    end loop;
    return _text || _rest;
end
$$;
comment on function sms.render is
    'Fill {{variable}} and {{variable|default}} from a flat JSON object; null when a variable is missing.';
revoke execute on function sms.render from public;
