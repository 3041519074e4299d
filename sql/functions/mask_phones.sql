-- A text with the middle of every phone number hidden, however it is spelled: 8 (907) 123-45-67 is 7907***4567.
-- The twin of outbox.masking in Python, with the same expressions. Ids, dates, amounts and addresses of machines stay as they are.
create or replace function sms.mask_phones(p_text text)
    returns text
    language plpgsql immutable strict parallel safe
as $$
declare
    _digit constant text := '[0-9０-９]';
    -- What stands between the digits of one number; no comma, colon or line end.
    _looks constant text := '\t .()\[\]/_+·•⁃・\-\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u00a0\u00ad\u034f\u061c'
        '\u1680\u180e\u2000-\u2015\u202a-\u202f\u205f-\u206f\u2212\u3000\ufe58\ufe63\ufeff（）－．／＋';
    _between text;  -- the same also as a URL, JSON, Python or HTML spells it
    _end text := '(?!' || _digit || ')';
    _begin text;    -- no number begins inside a run of digits, behind a decimal point, or is an address or an amount
    _rest text;     -- two digits shown, three hidden, four shown
    _text text := p_text;
begin
    if p_text ~ '^79[0-9]{9}$' then  -- a number that we send to
        return left(p_text, 4) || '***' || right(p_text, 4);
    elsif p_text !~ '(?:[0-9０-９][^0-9０-９]*){10}' then
        return p_text;
    end if;
    _between := '(?:[' || _looks || ']|%[0-9A-Fa-f][0-9A-Fa-f]|\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[tnr])'
        || '|&(?:[a-z]+|#x?[0-9A-Fa-f]+);){0,4}';
    _begin := '(?:(?<!' || _digit || ')|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2}))(?<![0-9][.])'
        || replace(replace('(?!@(?:[.]@){3}(?![0-9.]))(?![0-9]{5,9}[.][0-9]{1,6}~)(?![0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+[.][0-9]{1,4}~)',
                           '@', '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'),
                   '~', '(?!' || _digit || '|[' || _looks || ']' || _digit || ')');
    _rest := replace(replace('~(#)~(#)~#~#~#~(#)~(#)~(#)~(#)', '#', _digit), '~', _between) || _end;
    _text := regexp_replace(
        _text,
        _begin || '(?:(?:00|8[~ -]?10)' || _between || ')?(?:[7７]' || _between || '[8８]|[7７]|[8８])' || _between || '([3-9３-９])' || _rest,
        '7\1\2\3***\4\5\6\7', 'g');
    _text := regexp_replace(_text, _begin || '([9９])' || _rest, '7\1\2\3***\4\5\6\7', 'g');
    _text := regexp_replace(
        _text,
        '(?:[+＋]|%2[Bb]|\\+u002[Bb]|&#43;|(?<![0-9])00)([1-9])'
            || replace(replace('~(#)~(#)~(#)~(?:#~){3,7}(#)~(#)~(#)~(#)', '#', _digit), '~', _between) || _end,
        '+\1\2\3\4***\5\6\7\8', 'g');
    return regexp_replace(_text, '(?<!' || _digit || ')(?:[78]?9[0-9]{9}){2,}' || _end, '***', 'g');
end
$$;
comment on function sms.mask_phones is 'A text with the middle of every phone number hidden, however it is spelled.';
revoke execute on function sms.mask_phones from public;
