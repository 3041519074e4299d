-- Does a name stand among the words of a text? Names that are no plain words, and those PostgreSQL may have cut off at 63
-- bytes, count when the text could mean them.
create or replace function sms.is_word_of(p_name text, p_words text[])
    returns boolean
    language sql immutable
as $$
    select lower(p_name) = any (p_words) or p_name !~ '^[\w$]+$'
           or (octet_length(p_name) > 56 and exists (select from unnest(p_words) as w where left(w, 14) = left(lower(p_name), 14)))
$$;
comment on function sms.is_word_of is 'Does a name stand among the words of a text, or could it be meant by them?';
revoke execute on function sms.is_word_of from public;
