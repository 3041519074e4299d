"""The wall is not in the way: what an analyst would write is saved, runs, and tells people."""

# ruff: noqa: E501 - texts are long

from __future__ import annotations

import pytest

from tests.security.lab import Lab

PLACES = """
    insert into geo.client_location (client_id, location)
    values (1, 'POINT(37.62 55.75)'), (2, 'POINT(49.12 55.79)') on conflict do nothing
"""
ORDINARY = [
    "select client_id, phone from erp.client where city = 'Москва' -- only here",
    "select client_id, phone, initcap(city) as city, attributes ->> 'secret' as name from erp.client"
    " where attributes ? 'secret' or attributes @> '{}' or attributes #>> '{a,b}' is not null",
    "select c.client_id, c.phone, coalesce(x.value, '-') as name from erp.client as c"
    " left join lateral jsonb_each_text(c.attributes) as x on true",
    "select distinct on (city) client_id, phone, city from erp.client order by city, client_id desc",
    "select client_id, phone, row_number() over w as n, lag(city) over w as before,"
    " ntile(4) over w as part from erp.client window w as (partition by city order by client_id"
    " rows between unbounded preceding and current row)",
    "with recursive d (day) as (select current_date union all select day - 1 from d"
    " where day > current_date - 7), c as materialized (select * from erp.client)"
    " select c.client_id, c.phone, min(d.day)::text as day from c cross join d group by 1, 2",
    "select client_id, phone from erp.client where phone ~ '^8?9' and city !~* '^x'"
    " and regexp_replace(phone, '\\D', '', 'g') like '_907%' and city similar to '(М|К)%'",
    "select client_id, phone, to_char(now() at time zone 'Europe/Moscow', 'DD.MM HH24:MI') as at,"
    " date_trunc('week', current_date)::date as week, extract(isodow from now()) as dow,"
    " age(now(), timestamptz '2020-01-01') as since, now() - interval '1 month 2 days' as ago"
    " from erp.client where now() between timestamptz '2020-01-01' and 'infinity'",
    "select client_id, phone from erp.client where client_id = any (array[1, 2])"
    " and array[city] && string_to_array('Москва,Казань', ',') and cardinality(array[1, 2]) = 2",
    "select c.client_id, c.phone from unnest(array[1, 2], array['a', 'b']) with ordinality"
    " as u (id, name, n) join erp.client as c on c.client_id = u.id",
    "select min(client_id) as client_id, min(phone) as phone, grouping(city) as level,"
    " count(*) filter (where city = 'Москва') as here,"
    " percentile_cont(0.5) within group (order by client_id) as middle,"
    " mode() within group (order by city) as often, string_agg(city, ', ' order by city) as cities"
    " from erp.client group by grouping sets ((city), ()) having count(*) > 0",
    "select c.client_id, c.phone, sum(a.amount) as paid, max(a.at) as last_at from erp.client as c"
    " left join erp.action as a on a.client_id = c.client_id and a.action = 'payment'"
    " and a.at >= now() - interval '90 days' group by c.client_id, c.phone"
    " having coalesce(sum(a.amount), 0) < 1000.50 order by paid desc nulls last limit 10",
    "select c.client_id, c.phone, round((st_distance(l.location, st_setsrid(st_makepoint(37.6, 55.7),"
    " 4326)::geography))::numeric, -2) as metres from erp.client as c"
    " join geo.client_location as l using (client_id)"
    " where st_dwithin(l.location, st_makepoint(37.6, 55.7)::geography, 20000)",
    "select c.client_id, c.phone, round(st_x(st_transform(l.location::geometry, 3857))) as x,"
    " st_area(st_buffer(l.location, 100)) as area, st_asgeojson(l.location) as point"
    " from erp.client as c join geo.client_location as l using (client_id)"
    " where st_within(l.location::geometry, st_makeenvelope(30, 50, 60, 60, 4326))"
    " and l.location::geometry && st_makeenvelope(30, 50, 60, 60, 4326)"
    " order by l.location <-> 'POINT(37 55)'::geography",
    "select c.client_id, c.phone from geo.client_location as l tablesample bernoulli (100)"
    " repeatable (7) join erp.client as c using (client_id) where random() < 2",
    "select client_id, phone from erp.client where mod(abs(hashint8(client_id)), 10) < 10",
    "select client_id, phone, to_tsvector('russian', city)::text as words from erp.client"
    " where to_tsvector('russian', city) @@ websearch_to_tsquery('russian', 'москва or казань')"
    " or to_tsvector(city) @@ to_tsquery('simple', 'x')",
    "select client_id, phone, format('%s, %s', upper(city), lpad(client_id::text, 5, '0')) as label,"
    " split_part(city, ' ', 1) as word, substring(city from 1 for 3) as abc, left(city, -1) as l,"
    " trim(both ' ' from city) as t, translate(city, 'а', 'о') as o, position('о' in city) as p,"
    " overlay(city placing 'x' from 1) as v, concat_ws(' ', city, phone) as w,"
    " reverse(city) as r, md5(phone) as m from erp.client",
    "select c.client_id, c.phone from generate_series(now() - interval '3 days', now(), '1 day') as d"
    " join erp.client as c on extract(hour from d) >= 0",
    "select client_id, phone, case city when 'Москва' then 'здесь' else 'там' end as place,"
    " nullif(city, '') as city, greatest(client_id, 2) as big, (client_id % 2 = 0)::int as even,"
    " '1999-12-31'::date + 1 as day, 2 ^ 10 as power, 7.0 / 2 as half, '{1,2}'::int[] as list"
    " from erp.client where (city, phone) is distinct from ('x', 'y')",
    "select client_id, phone from erp.client where city collate \"C\" > 'А' order by city collate \"C\"",
    "select client_id, phone from erp.client where tstzrange(now(), null) @> now() + interval '1 s'"
    " and int4range(1, 5) && '[2,3]' and daterange(current_date, 'infinity') @> current_date",
    "select client_id, phone from erp.client except all select 2, '89070000002'"
    " union (select client_id, phone from erp.client intersect select client_id, phone from erp.client)",
    "select client_id, phone, jsonb_build_object('a', 1) || '{}' as j, jsonb_path_query_array("
    "attributes, '$.*') as v, row_to_json(c)::text as r, jsonb_agg(city) over () as all_of_them"
    " from erp.client as c where jsonb_path_exists(attributes, '$.secret') or attributes = '{}'",
    "select c.client_id, c.phone from erp.client as c where sms.not_contacted(c.client_id, 7)"
    " and not exists (select from sms.clients_contacted(30) as s where s.client_id = c.client_id)"
    " and not exists (select from sms.message as m where m.client_id = c.client_id)"
    " and sms.normalize_msisdn(c.phone) is not null",
    "select r.client_id, r.phone from sms.run_audience('first') as r /* of another */",
    "select client_id, phone, 'price (1) of pg' as version, 'now; then' as x"
    " from erp.client where city in ('Москва', 'Казань -- и так')",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_what_an_analyst_would_write_is_saved_and_runs(lab: Lab, text: str) -> None:
    """In a database where strangers made what they could, though none of it has these names."""
    eve = lab.people["eve"]
    lab.own.execute(PLACES)
    with lab.unharmed(eve):
        eve.execute("select sms.save_audience('first', 'select client_id, phone from erp.client')")
        eve.execute("select sms.save_audience('ordinary', %s)", [text])
        found = eve.execute("select client_id, phone from sms.run_audience('ordinary')").fetchall()
        assert found
        eve.execute("select * from sms.dry_run(%s)", [text])
