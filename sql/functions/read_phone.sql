-- What stands in a phone field: a number, or the reason there is none; exactly one of the two is null.
-- Never guesses: letters for digits, a lost digit and two phones are refused. outbox/msisdn.py is its twin.
create or replace function sms.read_phone(p_phone text, out msisdn bigint, out problem text)
    language plpgsql immutable parallel safe
as $$
declare
    _text text;
    _part text[];
    _rest text;
    _digits text;
begin
    problem := 'invalid_number';
    if p_phone is null or length(translate(p_phone, ' -()', '')) > 200 then
        return;
    end if;

    -- Full-width characters, and the dashes, spaces and quotes of word processors, become ASCII; invisible ones go.
    _text := translate(p_phone,
        U&'\FF10\FF11\FF12\FF13\FF14\FF15\FF16\FF17\FF18\FF19\FF0B\FF08\FF09\FF0E\2010\2011\2012\2013\2014\2015\2212\FF0D'
        '\00A0\2002\2003\2007\2009\202F\3000\00AB\00BB\201C\201D\201E\2019\00AD\200B\200E\200F\202A\202C\2060\FEFF',
        '0123456789+().--------       """"""');
    -- A spreadsheet turned the number into a fraction: 79123456789.0
    _text := regexp_replace(_text, '^[ \t]*(\+?[0-9]+)[.,]0+[ \t]*$', '\1');

    -- {plus, the first number, what follows it}; words before the number are notes.
    _part := regexp_match(_text, '^[^0-9+]*(\+*)[ ().-]*([0-9][0-9 ().-]*)(.*)$');
    if _part is null then
        return;
    end if;
    _digits := translate(_part[2], ' ().-', '');
    _rest := _part[3];

    -- Another number follows; "67-89, 90" is a second phone as well; so are two of them run together.
    if length(_digits) >= 6 and _rest ~ '[0-9]([ ().-]*[0-9]){5}|^[ \t\r\n;,/|+]*[0-9]'
       or _digits ~ '^([78]?9[0-9]{9}|[78][0-9]{10})[0-9]{7,}$' then
        problem := 'several_numbers';
        return;
    end if;
    -- A letter touching the number may stand for a digit, unless it opens an extension: 89123456789доб.12
    if _part[2] ~ '[0-9]$' and _rest ~ '^([A-Za-z]|[^\x01-\x7f])'
       and _rest !~ '^(доб|Доб|ДОБ|вн|Вн|ВН|ext|Ext|EXT|x|X|х|Х)[^0-9]{0,10}[0-9]{1,5}[^0-9]*$' then
        return;
    end if;

    -- 8~10 is how one dials out of Russia.
    if _part[1] = '' and _digits ~ '^810[0-9]{9,}$' then
        _part[1] := '+';
        _digits := substr(_digits, 4);
    end if;
    -- +8 for 8 and +7 8 for +7 are slips of the hand; +9… has lost its 7 and would be India.
    if _digits ~ '^(7|8|78)9[0-9]{9}$' or _part[1] = '' and _digits ~ '^9[0-9]{9}$' then
        msisdn := right(_digits, 10)::bigint + 70000000000;
        if right(_digits, 9) ~ '^([0-9])\1{8}$' then
            msisdn := null;
        else
            problem := null;
        end if;
    elsif _part[1] = '' then
        problem := case
            when _digits ~ '^[78][348][0-9]{9}$|^([34][0-9]|8[0-8])[0-9]{8}$' then 'not_mobile'
            -- +7 6xx and +7 7xx are Kazakhstan; neighbours are often written without a plus.
            when _digits ~ '^[78][67][0-9]{9}$|^7(0[0-8]|47|6[0-4]|7[15-8]|85)[0-9]{7}$' then 'foreign_number'
            when _digits ~ '^(37[0-4][0-9]{8}|(375|380|99[2-68])[0-9]{9})$' then 'foreign_number'
            else 'invalid_number' end;
    else
        problem := case
            when _digits ~ '^7[348][0-9]{9}$|^8800[0-9]{7}$' then 'not_mobile'
            when _digits ~ '^7[67][0-9]{9}$' then 'foreign_number'
            when _digits ~ '^[1-69][0-9]{7,14}$|^8[1-8][0-9]{6,13}$' and _digits !~ '^9[0-9]{9}$' then 'foreign_number'
            else 'invalid_number' end;
    end if;
end
$$;
comment on function sms.read_phone is
    'What a phone field holds: msisdn, or the problem that leaves none. Behind normalize_msisdn and phone_problem.';
revoke execute on function sms.read_phone from public;
