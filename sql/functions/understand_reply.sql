-- What a subscriber's text asks for: stop_advertising, stop_all, start, or null for a message that people must read.
-- It counts when the first word is such a word, or when the whole text is at most three words and holds one.
create or replace function sms.understand_reply(p_body text)
    returns text
    language sql stable
as $$
    select case when bool_or(w.meaning = 'stop' and (w.n = 1 or w.words <= 3))
                then case when bool_or(w.meaning = 'all') then 'stop_all' else 'stop_advertising' end
                when bool_or(w.meaning = 'start' and (w.n = 1 or w.words <= 3)) then 'start' end
      from (select s.n, count(*) over () as words, k.meaning
              from regexp_split_to_table(btrim(p_body), '\s+') with ordinality as s (word, n)
              left join sms.stop_word as k on sms.fold_word(k.word) = sms.fold_word(s.word)
             where s.word <> '') as w
$$;
comment on function sms.understand_reply is 'Does a reply opt out (of advertising, of all) or in again? Null = for people.';
revoke execute on function sms.understand_reply from public;
