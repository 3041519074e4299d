"""Attempts to break out by the text of a SELECT: what is written cannot hurt, whoever runs it.

Each is tried in every way: saved as an audience and as a goal, as a dry run, and run by an operator
and the worker as if it had been saved before there was a check. What is looked at is what happened.
"""

# ruff: noqa: E501, S608 - long texts, and injecting is what is tried here

from __future__ import annotations

import pytest

from tests.security.lab import Lab

ONE = "select 1 as client_id, '1' as phone, now() as occurred_at"


def one(expression: str) -> str:
    return f"select 1 as client_id, ({expression})::text as phone, now() as occurred_at"


def where(condition: str, source: str = "erp.client") -> str:
    return f"select client_id, phone, now() as occurred_at from {source} where {condition}"


# Statements, comments, quotes.
WRITTEN = [
    f"{ONE}; select pg_sleep(9)",
    f"{ONE}) as a; select lair.f('x'); --",
    f"{ONE} /* ; select lair.f('x')",
    f"{ONE}, 'a\\'; select lair.f(''x''); --' as x",
    f"{ONE} -- ) ; select lair.f('x')\n; select 1",
    f"{ONE}, E'a\\''; select lair.f(1); --' as x",
    one("$q$a$q$ || $$; select lair.f('x')$$ || lair.f('x')"),
    f"{ONE}, U&\"\\006cair\".f('x')",
    one("u&'\\0027 || lair.f(1)'"),
    f"{ONE}, \"LAIR\".f('x')",
    one('"lair"."f"(\'x\')'),
    one("lair . f ('x')"),
    one("lair/**/./**/f/**/('x')"),
    one("lair--\n.--\nf('x')"),
    f"{ONE}\x0b, lair.f('x')",
    one("l\u0430ir.f('x')"),
    one("lair\u00a0.f('x')"),
    f"({ONE}",
    f"{ONE})",
    f"{ONE} union all select 2, lair.f('x')::text, now()",
    f"table lair.t; {ONE}",
    "table lair.v",
    "values (1, lair.f('x')::text, now())",
    f"explain analyze {ONE}",
    f"analyze {ONE}",
    f"(analyze) {ONE}",
    "execute x",
    f"create table public.y as {ONE}",
    f"with x as (insert into erp.local_client values (9, '9') returning *) {ONE}",
    f"with x as (delete from erp.local_client returning *) {ONE} from x",
    "select client_id, phone, now() as occurred_at into lair.z from erp.client",
    where("true for update"),
    where("client_id in (select client_id from erp.client for no key update)"),
    f"{ONE} with local check option",
    "/* */",
    "--",
]
# Types of a stranger: reading a literal runs their checks, when the text is parsed.
TYPES = [
    template.format(at=place)
    for place in ("lair", "crm")
    for template in (
        one("'x'::{at}.d"),
        one("cast('x' as {at}.dd)"),
        one("{at}.d 'x'"),
        one('\'x\'::{at}."d ""q"" x"'),
        one("'x'::{at}.phone"),
        one("'(x)'::{at}.c"),
        one("'(x)'::{at}.dc"),
        one("'{{x}}'::{at}.d[]"),
        one("'{{x}}'::{at}.da"),
        one("'{{\"(x)\"}}'::{at}._c"),
        one("'(\"{{(x)}}\")'::{at}.cc"),
        one("'[a,b]'::{at}.r"),
        one("'{{[a,b]}}'::{at}.multirange"),
        one("'(1,x)'::{at}.t"),
        one("'a'::{at}.mood"),
        one('jsonb_populate_record(null::{at}.c, \'{{"x": "1"}}\')'),
        one('jsonb_populate_recordset(null::{at}.cc, \'[{{"y": [{{"x": 1}}]}}]\')'),
        "select 1 as client_id, x::text as phone, now() as occurred_at"
        ' from json_to_record(\'{{"x": "1"}}\') as r (x {at}.d)',
        "select 1 as client_id, x::text as phone, now() as occurred_at"
        ' from jsonb_to_recordset(\'[{{"x": {{"x": 1}}}}]\') as r (x {at}.c)',
        "select 1 as client_id, x::text as phone, now() as occurred_at"
        ' from json_populate_record(null::{at}.t, \'{{"phone": "1"}}\') as r (i, x)',
        one("case when false then 'x'::{at}.d else 'x' end"),
        one("array['x', 'y']::{at}.d[]"),
        one("row('x')::{at}.c"),
        one("(select max(x) from unnest(array['x']::{at}.d[]) as x)"),
    )
] + [
    one("'x'::strange"),
    one("'x'::public.strange"),
    one("'x'::" + "d" * 63),
    one("'x'::" + "d" * 90),
    one("'x'::public." + "D" * 64),
    one("array_agg('x'::strange)"),
]
# Functions, operators, aggregates, casts, views of a stranger.
OBJECTS = [
    template.format(at=place)
    for place in ("lair", "crm")
    for template in (
        one("{at}.f('x')"),
        one("{at}.lower('x')"),
        where("{at}.lower(phone) = '1'"),
        one("'x'::text operator({at}.+) 'y'::text"),
        where("(phone operator({at}.+) city) <> ''"),
        one("(select {at}.total(phone) from erp.client)"),
        one("(select {at}.total(phone) over (order by client_id) from erp.client limit 1)"),
        one("(select {at}.lower(t) from erp.client as t)"),
        one("('x'::text).f"),
        where("true", "{at}.v"),
        where("true", "{at}.m"),
        where("true", "{at}.t"),
        where("true", "{at}.fenced"),
        where("true", "only {at}.fenced tablesample system (100)"),
        where("exists (select from {at}.v)"),
        f"with v as (select * from {{at}}.v) {ONE} from v",
        "select client_id, phone, now() as occurred_at from erp.client, lateral {at}.g(phone) as g",
        where("true order by {at}.g(phone)"),
        where("true limit length({at}.g('x'))"),
        where("phone in (select {at}.g(c.phone) from erp.client as c)"),
        "select client_id, max(phone) as phone, now() as occurred_at from erp.client"
        " group by grouping sets ((client_id), (client_id, {at}.g(phone)))",
        f"{ONE} from rows from ({{at}}.g('x'), generate_series(1, 2)) as r",
    )
] + [
    one("spied('x')"),
    one("public.spied('x')"),
    one("lower('X'::varchar)"),
    one("lower(phone::varchar) from erp.client --"),
    one("st_ymin('BOX(1 2,3 4)'::box2d)"),
]
# What PostgreSQL and PostGIS bring that does more than compute; catalogs; other sessions.
SYSTEM = [
    one(call)
    for call in (
        "pg_sleep(9)",
        "pg_sleep/**/(9)",
        "pg_sleep--\n(9)",
        "pg_sleep /* a /* b */ c */ (9)",
        '"pg_sleep"(9)',
        "PG_SLEEP(9)",
        "pg_catalog . pg_sleep (9)",
        "(9.0::float8).pg_sleep",
        '(9.0::float8)."pg_sleep"',
        "(9.0::float8)./* */pg_sleep",
        "(9.0::float8).--\n pg_sleep",
        "pg_sleep_for('9 s')",
        "pg_sleep_until('infinity')",
        "set_config('timezone', 'Asia/Kamchatka', false)",
        "set_config/**/('transaction_read_only', 'off', false)",
        "current_setting('data_directory')",
        "setseed(0.5)",
        "pg_notify('sms_bulk', 'x')",
        "pg_notify/**/('sms_bulk', 'x')",
        "pg_advisory_lock/**/(1)",
        "pg_try_advisory_xact_lock(1, 2)",
        "lo_from_bytea/**/(0, 'x')",
        "lo_create(0)",
        "lo_get(1)",
        "pg_read_file('/etc/passwd')",
        "pg_ls_dir/**/('/')",
        "pg_stat_file('/etc/passwd')",
        "pg_terminate_backend/**/(pg_backend_pid())",
        "pg_cancel_backend(1)",
        "pg_export_snapshot/**/()",
        "pg_current_xact_id/**/()",
        "txid_current()",
        "pg_logical_emit_message/**/(false, 'a', 'b')",
        "nextval('sms.id_seq')",
        "currval/**/('sms.id_seq')",
        "lastval()",
        "currtid2('erp.local_client', '(0,1)')",
        "query_to_xml/**/('select lair.f(''x'')', true, true, '')",
        "table_to_xml/**/('erp.client', true, true, '')",
        "schema_to_xml('sms', true, true, '')",
        "cursor_to_xml('c', 1, true, true, '')",
        "(select count(*) from ts_stat('select ''''::tsvector'))",
        "(select count(*) from ts_stat/**/('select lair.f(''x'')::text::tsvector'))",
        "ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery')",
        "pg_get_functiondef/**/('sms.judge'::regproc)",
        "pg_get_viewdef('sms.message')",
        "(select count(*) from pg_stat_get_activity/**/(null))",
        "has_table_privilege('sms.outbox', 'select')",
        "domain_in/**/('x', 'lair.d'::regtype::oid, -1)",
        "record_in('(x)', 'lair.c'::regtype::oid, -1)",
        "array_in/**/('{x}', 'lair.d'::regtype::oid, -1)",
        "range_in('[a,b]', 'lair.r'::regtype::oid, -1)",
        "textin('x')",
        "dblink('', 'select 1')",
        "dblink_connect('', '')",
        "pg_prepared_statement()",
        "version()",
        "inet_server_addr()",
        "pg_postmaster_start_time/**/()",
        "pg_relation_filepath('sms.outbox')",
        "plpgsql_call_handler()",
        "st_findextent('a', 'b', 'c')",
        "st_estimatedextent/**/('sms', 'outbox', 'body')",
        "lockrow('a', 'b', 'c')",
        "addgeometrycolumn/**/('erp', 'local_client', 'g', 4326, 'POINT', 2)",
        "updategeometrysrid('a', 'b', 1)",
        "populate_geometry_columns()",
        "postgis_full_version()",
        "postgis_extensions_upgrade/**/()",
        "sms.log_activity('a', 'b', 'c', null)",
        "sms.wake('sms_bulk')",
        "sms_audience.plan_select('select 1')",
        "sms_audience.parse_select('select 1')",
        "sms.session_state()",
        "sms.refuse_strangers(null)",
        "sms.cancel(1)",
        "sms.render('a', '{}')",
    )
] + [
    f"select 1 as client_id, x.*::text as phone, now() as occurred_at from {source} as x"
    for source in (
        "pg_roles",
        "pg_catalog.pg_roles",
        '"pg_authid"',
        "PG_STAT_ACTIVITY",
        "pg_settings",
        "pg_locks",
        "pg_stats",
        "pg_proc",
        "pg_prepared_statements",
        "information_schema.tables",
        "information_schema . columns",
        "sms.outbox",
        "sms.pending",
        "sms.template_version",
        "sms.setting",
        "sms.event",
        "sms.provider",
        "sms.inbound",
        "sms.blacklist",
        "sms.audience_function",
        "erp.local_client",
        "public.client",
    )
]
LEAKS = [
    "select client_id, body as phone, now() as occurred_at from sms.outbox",
    where("(select count(*) from sms.outbox where body like '%') > 0"),
    "select client_id, vars::text as phone, fired_at as occurred_at from sms.event",
    "select client_id, e::text as phone, fired_at as occurred_at from sms.event as e",
    "select client_id, to_jsonb(e)::text as phone, fired_at as occurred_at from sms.event as e",
    "select client_id, (e).vars::text as phone, fired_at as occurred_at from sms.event as e",
    "select 1 as client_id, count(*)::text as phone, now() as occurred_at"
    " from sms.event where vars ->> 'code' like '1%'",
    "select e.client_id, '1' as phone, now() as occurred_at from sms.event as e order by e.vars",
    "select 1 as client_id, '1' as phone, now() as occurred_at from sms.message natural join sms.outbox",
]  # fmt: skip


@pytest.mark.parametrize("text", [*WRITTEN, *TYPES, *OBJECTS, *SYSTEM, *LEAKS])
def test_a_text_that_tries_to_break_out_is_refused_every_way(lab: Lab, text: str) -> None:
    found = lab.attack(text)
    for way, error in found.items():
        assert error is not None, way
        assert (error.sqlstate or "").startswith(("SM", "22", "23", "42", "0A")), found
