-- What respelling a text changes, in words, the most frequent first: characters with their new spelling; for look-alikes the
-- words; for transliteration that the whole text reads differently.
create or replace function sms.respelled(p_text text, p_kind text)
    returns text
    language sql stable
as $$
    select case p_kind
        when 'lookalike' then
            (select string_agg(distinct quote_literal(b.word) || ' has Cyrillic letters that look Latin', ', ')
               from regexp_split_to_table(p_text, '[^A-Za-zА-Яа-яЁёІіЅѕЈ]+') with ordinality as b (word, n)
               join regexp_split_to_table(sms.respell(p_text, 'lookalike'), '[^A-Za-zА-Яа-яЁёІіЅѕЈ]+') with ordinality as a (word, n)
                 on a.n = b.n and a.word <> b.word)
        when 'transliteration' then
            'Cyrillic in Latin letters: it reads differently, names above all, and an operator may price a changed text differently'
        else
            (select string_agg(c.said, ', ' order by c.times desc, c.said)
               from (select count(*) as times,
                            s.title || ' → ' || case s.spelled when '' then 'nothing' when ' ' then 'space' else s.spelled end as said
                       from regexp_split_to_table(p_text, '') as k (character)
                       join sms.spelling as s on s.kind = p_kind and s.character = k.character
                      group by s.title, s.spelled) as c)
    end
$$;
comment on function sms.respelled is 'What respelling a text changes, in words.';
revoke execute on function sms.respelled from public;
