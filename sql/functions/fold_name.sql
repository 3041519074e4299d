-- A place name as people compare it: case, ё, quotes, dashes, spaces and words like «метро» or «г.» do not count.
-- Letters are folded by hand, because lower() leaves Cyrillic as it is under the C locale.
create or replace function geo.fold_name(p_name text)
    returns text
    language sql immutable strict parallel safe
as $$
    select trim(regexp_replace(regexp_replace(regexp_replace(
               translate(lower(p_name),
                   'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё–—‑«»"',
                   'абвгдеежзийклмнопрстуфхцчшщъыьэюяе---'),
               '^\s*(станция метро\s|станция\s|ст\.\s*м\.|метро\s|м\.|город\s|г\.)', ''),
               '\sим\.\s*', ' имени '),
               '\s+', ' ', 'g'))
$$;
comment on function geo.fold_name is 'A place name folded for comparison: case, ё, quotes, dashes, «метро», «им.».';
revoke execute on function geo.fold_name from public;
