-- Other spellings of a text that take fewer segments, each cheaper than the one before and giving up more: spaces, typography,
-- Cyrillic look-alikes in Latin words, symbols written out, pictures dropped, at last everything in Latin letters.
-- A text that stays Cyrillic is only shortened: there « costs what " does, and ё what е does.
create or replace function sms.cheaper_spellings(p_text text)
    returns table (how text, body text, segments int, changes text)
    language plpgsql stable
as $$
declare
    _pictures constant text := '[\U0001F000-\U0001FAFF\U0001F1E6-\U0001F1FF☀-➿⬀-⯿️‍]';
    _tidy text := regexp_replace(regexp_replace(btrim(sms.respell(p_text, 'space'), E' \n\r'), ' {2,}', ' ', 'g'), ' +(\n)', '\1', 'g');
    _plain text := _tidy;   -- as much of it in the GSM alphabet as can be
    _steps text[];
    _best int := sms.segments(p_text);
    _kind text;
    _next text;
begin
    how := '';
    changes := '';
    foreach _kind in array array['typographic', 'lookalike', 'symbol'] loop
        _plain := sms.respell(_plain, _kind);
    end loop;
    _steps := case when not sms.needs_ucs2(_tidy) then array['space']
                   when sms.needs_ucs2(regexp_replace(_plain, _pictures, '', 'g'))
                       then array['space', 'shorter', 'pictures', 'restart', 'typographic', 'symbol', 'pictures', 'transliteration']
                   else array['space', 'typographic', 'lookalike', 'symbol', 'pictures'] end;
    body := p_text;
    foreach _kind in array _steps loop
        if _kind = 'restart' then   -- what shortened the Cyrillic text is of no use to the Latin one
            body := _tidy;
            how := case when _tidy <> p_text then 'space' else '' end;
            changes := '';
            continue;
        end if;
        _next := case _kind when 'space' then _tidy
                            when 'shorter' then replace(body, '...', '…')
                            when 'pictures' then regexp_replace(body, ' ?' || _pictures || '+', '', 'g')
                            else sms.respell(body, _kind) end;
        continue when _next = body;
        how := concat_ws(' + ', nullif(how, ''), _kind);
        changes := concat_ws(', ', nullif(changes, ''),
                             case _kind when 'space' then coalesce(sms.respelled(body, 'space'), 'needless spaces dropped')
                                        when 'shorter' then 'three dots → one ellipsis'
                                        when 'pictures' then 'pictures dropped'
                                        else sms.respelled(body, _kind) end);
        body := _next;
        segments := sms.segments(body);
        if segments between 1 and _best - 1 then
            _best := segments;
            return next;
        end if;
    end loop;
end
$$;
comment on function sms.cheaper_spellings is 'Other spellings of a text that take fewer segments, with what each changes.';
revoke execute on function sms.cheaper_spellings from public;
