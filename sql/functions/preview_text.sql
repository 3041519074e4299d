-- What a text costs and why, one finding a row: text (as the channel sends it); link (what becomes a short one); encoding; double (a GSM character that takes two units); forces_ucs2
-- (the characters outside the GSM alphabet); room (units left in its last segment) ; over (what reaches into the last
-- segment: without it there is one fewer); price by operator; cheaper with changes (other spellings, each saving more).
create or replace function sms.preview_text(p_body text, p_channel text default 'planned', p_as_of timestamptz default now())
    returns table (topic text, key text, text text, units int, segments int, cost numeric)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _ucs2 boolean;
    _segments int;
    _length int;
    _n int := 1;
    _written text := p_body;
begin
    perform sms.refuse_unknown_names(array[p_channel], '{}');
    p_body := sms.sent_text((select c.channel_id from sms.channel as c where c.channel = p_channel), p_body);
    _ucs2 := sms.needs_ucs2(p_body);
    _segments := sms.segments(p_body);
    _length := char_length(p_body);
    return query select 'text', null::text, p_body, _length, _segments, null::numeric;
    if p_body <> _written then
        return query
        select 'link', x.n::text, x.m[1], char_length(x.m[1]), null::int, null::numeric
          from regexp_matches(_written, '(' || sms.link_pattern() || ')', 'gi') with ordinality as x (m, n);
    end if;
    return query select 'encoding', case when _ucs2 then 'ucs2' else 'gsm7' end,
                        case when _ucs2 then '70 in one segment, 67 in each of several' else '160 in one segment, 153 in each of several' end,
                        _length + length(regexp_replace(p_body, case when _ucs2 then '[^\U00010000-\U0010FFFF]' else '[^\x0c^{}\\\[~\]|€]' end, '', 'g')),
                        _segments, null::numeric;
    if _ucs2 then
        return query
        select 'forces_ucs2', case when c.is_cyrillic then 'Cyrillic' else c.character end,
               case when c.is_cyrillic
                    then (select string_agg(distinct m[1], ' ')
                            from (select m from regexp_matches(p_body, '([A-Za-z]*[А-Яа-яЁё][A-Za-zА-Яа-яЁё]*)', 'g') as m limit 8) as w)
                    else coalesce(min(s.title), 'U+' || regexp_replace(upper(lpad(to_hex(ascii(c.character)), 8, '0')), '^0{1,4}', '')) end,
               count(*)::int, null::int, null::numeric
          from (select k as character, k ~ '[А-Яа-яЁё]' as is_cyrillic
                  from regexp_split_to_table(p_body, '') as k where sms.needs_ucs2(k)) as x
          cross join lateral (select case when not x.is_cyrillic then x.character end as character, x.is_cyrillic) as c
          left join sms.spelling as s on s.character = c.character and s.title <> ''
         group by c.character, c.is_cyrillic
         order by count(*) desc, 2;
    else
        return query
        select 'double', k, 'takes two units', count(*)::int, null::int, null::numeric
          from regexp_split_to_table(p_body, '') as k
         where k ~ '[\x0c^{}\\\[~\]|€]' group by k order by k;
    end if;

    while _n < 160 and sms.segments(p_body || repeat('a', _n)) = _segments loop
        _n := _n + 1;
    end loop;
    return query select 'room', null::text, 'more units fit into the last segment', _n - 1, _segments, null::numeric;
    if _segments > 1 then
        _n := 1;
        while sms.segments(left(p_body, -_n)) = _segments loop
            _n := _n + 1;
        end loop;
        return query select 'over', null::text, right(p_body, _n), _n, _segments - 1, null::numeric;
    end if;

    return query
    select 'price', o.operator, coalesce(v.provider, '(parked)'), null::int, _segments,
           _segments * sms.segment_price(l.provider_id, l.operator_id, c.category, p_as_of)
      from sms.channel as c
      join sms.lane as l on l.channel_id = c.channel_id
      join sms.operator as o on o.operator_id = l.operator_id
      left join sms.provider as v on v.provider_id = l.provider_id
     where c.channel = p_channel
     order by o.operator;
    return query
    select f.topic, s.how, f.text, f.units, s.segments, null::numeric
      from sms.cheaper_spellings(p_body) with ordinality as s (how, body, segments, changes, n)
      cross join lateral (values ('cheaper', s.body, _segments - s.segments, 1), ('changes', s.changes, null, 2)) as f (topic, text, units, n)
     order by s.n, f.n;
end
$$;
comment on function sms.preview_text is
    'What a text costs and why: encoding, segments, what forces UCS-2 or the next segment, price, cheaper spellings.';
revoke execute on function sms.preview_text from public;
