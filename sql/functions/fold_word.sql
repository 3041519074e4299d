-- A word as stop words are compared: upper case, Latin letters that look Cyrillic turned Cyrillic, Ё as Е, nothing but
-- letters and digits. Both the list and the text go through it, so STOP typed with any mixture of letters is one word.
create or replace function sms.fold_word(p_word text)
    returns text
    language sql immutable strict parallel safe
as $$
    select translate(regexp_replace(upper(p_word), '[^[:alnum:]]', '', 'g'), 'ABCEHKMOPTXYЁ', 'АВСЕНКМОРТХУЕ')
$$;
comment on function sms.fold_word is 'Case and Latin look-alikes folded away, for comparing stop words.';
revoke execute on function sms.fold_word from public;
