-- What a subscriber's text asks for: stop_advertising, stop_all, start, or null for a message that people must read.
-- Words are runs of letters and digits. A word counts when it is the first, or when the whole text has at most three;
-- «все» makes a stop one of everything only within two words of it.
create or replace function sms.understand_reply(p_body text)
    returns text
    language sql stable
as $$
    with word as materialized (
        select row_number() over (order by s.n) as n, count(*) over () as words, k.meaning
          from regexp_split_to_table(p_body, '[^[:alnum:]]+') with ordinality as s (word, n)
          left join sms.stop_word as k on sms.fold_word(k.word) = sms.fold_word(s.word)
         where s.word <> ''
    ), heard as (
        select w.n, w.meaning from word as w where w.meaning in ('stop', 'start') and (w.n = 1 or w.words <= 3)
    )
    select case when bool_or(h.meaning = 'stop')
                then case when exists (select from word as w join heard as s on s.meaning = 'stop' and abs(s.n - w.n) <= 2
                                        where w.meaning = 'all')
                          then 'stop_all' else 'stop_advertising' end
                when bool_or(h.meaning = 'start') then 'start' end
      from heard as h
$$;
comment on function sms.understand_reply is 'Does a reply opt out (of advertising, of all) or in again? Null = for people.';
revoke execute on function sms.understand_reply from public;
