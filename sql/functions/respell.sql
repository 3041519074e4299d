-- A text with the characters of one kind written otherwise, by sms.spelling. 'lookalike' changes Cyrillic letters only in words
-- that have Latin letters too, or where nothing but look-alikes is left of Cyrillic in a text mostly Latin.
create or replace function sms.respell(p_text text, p_kind text)
    returns text
    language sql stable
as $$
    with piece as (   -- words and what is between them
        select m.found[1] as piece, m.n
          from regexp_matches(p_text, '([A-Za-zА-Яа-яЁёІіЅѕЈ]+|[^A-Za-zА-Яа-яЁёІіЅѕЈ]+)', 'g') with ordinality as m (found, n)
    ), told as (
        select p.piece, p.n,
               p_kind <> 'lookalike'
               or (p.piece ~ '[A-Za-z]' or c.is_mostly_latin)
                  and not exists (select from regexp_split_to_table(p.piece, '') as k
                                   where k ~ '[А-Яа-яЁёІіЅѕЈ]'
                                     and not exists (select from sms.spelling as s where s.kind = 'lookalike' and s.character = k)) as changes
          from piece as p
          cross join (select length(regexp_replace(p_text, '[^A-Za-z]', '', 'g'))
                             > 3 * length(regexp_replace(p_text, '[^А-Яа-яЁёІіЅѕЈ]', '', 'g')) as is_mostly_latin) as c
    )
    select coalesce(string_agg(case when t.changes then w.word else t.piece end, '' order by t.n), '')
      from told as t
      cross join lateral (
               select string_agg(case when s.spelled is null then k.character
                                      when length(s.spelled) > 1 and p_kind = 'transliteration' and k.character = upper(s.character)
                                           and (k.following ~ '[А-ЯЁ]' or t.piece ~ '^[А-ЯЁ]{2,}$') and k.character ~ '[А-ЯЁ]'
                                      then upper(s.spelled)
                                      else s.spelled end, '' order by k.place) as word
                 from (select x.character, x.place, lead(x.character) over (order by x.place) as following
                         from regexp_split_to_table(t.piece, '') with ordinality as x (character, place)) as k
                 left join sms.spelling as s on s.kind = p_kind and s.character = k.character
           ) as w
$$;
comment on function sms.respell is 'A text with the characters of one kind of sms.spelling written otherwise.';
revoke execute on function sms.respell from public;
