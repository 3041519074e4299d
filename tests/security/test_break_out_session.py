"""Attempts to break out by what stands around a text: the session, the moment, who calls it how."""

# ruff: noqa: E501, S608, PT018 - long texts, and injecting is what is tried here

from __future__ import annotations

import psycopg
import pytest
from psycopg import Connection

from tests.security.lab import SESSION, Lab, refused, value

PLAIN = "select client_id, phone, now() as occurred_at from erp.client"
SPYING = "select 1 as client_id, ('(x)'::{at}.c)::text as phone, now() as occurred_at"
WAYS = (
    "select sms.save_audience('s', %s)",
    "insert into sms.goal (goal, query) values ('s', %s) on conflict do nothing",
    "select * from sms.dry_run(%s)",
)
LATE = """
    create schema {at};
    grant usage on schema {at} to public;
    create function {at}.f(text) returns boolean language plpgsql as $f$
        begin raise warning 'a spy runs as %', current_user; return true; end $f$;
    create domain {at}.d_{at} as text check ({at}.f(value));
    create type {at}.c_{at} as (x {at}.d_{at});
"""
LATE_TEXT = "select 1 as client_id, ('(x)'::{at}.c_{at})::text as phone, now() as occurred_at"


def eve_again(lab: Lab) -> Connection:
    return lab.login("eve")


@pytest.mark.parametrize(
    "isolation", ["repeatable read", "serializable", "serializable, read only"]
)
def test_what_was_made_since_the_transaction_began_is_not_met(lab: Lab, isolation: str) -> None:
    """The check would not see it, the parser would."""
    at = "late_" + isolation.replace(" ", "_").replace(",", "")
    first, second = eve_again(lab), lab.people["eve"]
    lab.spied()
    for way in WAYS:
        with first.transaction(force_rollback=True):
            first.execute(f"set transaction isolation level {isolation}".encode())
            first.execute("select 1")
            second.execute(LATE.format(at=at).encode())
            with pytest.raises(psycopg.Error) as caught, first.transaction():
                first.execute(way.encode(), [LATE_TEXT.format(at=at)])
        assert caught.value.sqlstate in ("SM031", "25006")
        assert lab.spied() == []
        second.execute(f"drop schema {at} cascade".encode())
    first.close()


def test_what_was_made_since_the_statement_began_is_not_met(lab: Lab) -> None:
    eve = lab.people["eve"]
    body = LATE.format(at="during").replace("$f$", "$g$")
    eve.execute(
        "create function lair.make() returns text language plpgsql as"
        f" $f$ begin {body} return ''; end $f$".encode()
    )
    lab.keep_unchecked(LATE_TEXT.format(at="during"))
    lab.spied()
    for call in (
        "sms.dry_run(%s || m)",
        "sms.run_audience('old' || left(%s, 0) || m)",
        "sms.preview_audience('old' || left(%s, 0) || m)",
    ):
        error = refused(
            eve, f"select d.* from lair.make() as m, lateral {call} as d", LATE_TEXT.format(at="during")
        )  # fmt: skip
        assert error is not None and error.sqlstate == "SM031", call
        assert lab.spied() == []
    eve.execute("drop function lair.make()")


def test_what_was_made_between_saving_and_running_is_not_met(lab: Lab) -> None:
    eve, olga = lab.people["eve"], lab.people["olga"]
    eve.execute("select sms.save_audience('early', %s)", [PLAIN + " where initcap(city) <> ''"])
    app = lab.people["app"]
    for later, undo in (
        (
            "create function public.initcap(text, text default '') returns text"
            " language sql as $f$ select public.spied($1) $f$",
            "drop function public.initcap(text, text)",
        ),
        (
            "create operator public.<> (leftarg = text, rightarg = varchar, function = public.ne);",
            "drop operator public.<> (text, varchar)",
        ),
    ):
        app.execute(
            "create or replace function public.ne(text, varchar) returns boolean language sql"
            " as $f$ select public.spied($1) = '' $f$"
        )
        app.execute(later.encode())
        with lab.unharmed(olga):
            error = refused(olga, "select * from sms.run_audience('early')")
        app.execute(undo.encode())
        assert error is not None and error.sqlstate == "SM031"
    app.execute("drop function public.ne(text, varchar)")


def test_a_stranger_in_public_gets_nobodys_rights(lab: Lab) -> None:
    """Better fitting functions beside PostGIS's: nothing of ours may find them."""
    lab.own.execute(
        "insert into geo.client_location (client_id, location)"
        " values (1, 'POINT(37.6 55.7)') on conflict do nothing"
    )
    lab.own.execute("select sms.save_audience('near', %s)", [PLAIN])
    olga = lab.people["olga"]
    with lab.unharmed(olga):
        for runner in (lab.own, olga):
            for call in (
                "select * from sms.preview_audience('near')",
                "select * from geo.clients_in_area('POLYGON((37 55, 38 55, 38 56, 37 55))')",
            ):
                assert refused(runner, call) is None
            refused(runner, "select * from geo.clients_near('Москва: Таганская')")
            refused(runner, "select * from geo.clients_along('Москва: Кольцевая')")


def test_an_analyst_who_may_create_in_public_stops_it(lab: Lab) -> None:
    name = lab.names["eve"]
    lab.own.execute(f"grant create on schema public to {name}".encode())
    errors = [refused(lab.people["eve"], way, PLAIN) for way in WAYS]
    lab.own.execute(f"revoke create on schema public from {name}".encode())
    assert {error and error.sqlstate for error in errors} == {"SM031"}


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("create function pg_temp.x(text) returns text language sql as 'select $1'", PLAIN),
        ("create domain pg_temp.x as text", PLAIN),
        ("create type pg_temp.x as (a text)", PLAIN),
        ("create type pg_temp.x as enum ('a')", PLAIN),
        ("create temp view x as select 1 as a", PLAIN),
        ("create temp table client_id (a int)", PLAIN),
        ("create temp table phone (a int)", PLAIN),
        (
            "create function pg_temp.p(text, text) returns text language sql as 'select $1';"
            "create operator pg_temp.|| (leftarg = text, rightarg = text, function = pg_temp.p)",
            PLAIN,
        ),
        ("create temp table x as select 1 as client_id, '1' as phone", "select * from x"),
        ("create temp table x as select 1 as client_id, '1' as phone", 'select * from pg_temp."x"'),
    ],
)
def test_temporary_objects_of_the_session_are_not_met(lab: Lab, thing: str, text: str) -> None:
    with eve_again(lab) as eve:
        eve.execute(thing.encode())
        with lab.unharmed(eve):
            for way in WAYS:
                error = refused(eve, way, text)
                assert error is not None and error.sqlstate in ("SM031", "SM020"), way
        eve.execute("discard temp")
        assert refused(eve, WAYS[0], PLAIN) is None


SETTINGS = [
    "set search_path = lair, crm, pg_temp, pg_catalog, public",
    "set standard_conforming_strings = off",
    "set backslash_quote = on",
    "set quote_all_identifiers = on",
    "set transform_null_equals = on",
    "set client_encoding = 'SQL_ASCII'",
    "set client_encoding = 'KOI8R'",
    "set datestyle = 'German, DMY'",
    "set intervalstyle = 'sql_standard'",
    "set timezone = 'Asia/Kamchatka'",
    "set row_security = off",
    "set plan_cache_mode = force_generic_plan",
    "set default_transaction_read_only = off",
    "set default_text_search_config = 'pg_catalog.russian'",
    "set extra_float_digits = -15",
    "set bytea_output = 'escape'",
    "set array_nulls = off",
    "set xmloption = content",
    "set client_min_messages = error",
    "set check_function_bodies = off",
    "set constraint_exclusion = on",
    "set force_parallel_mode = on",
    "set jit = on",
    "set enable_seqscan = off",
    "set sms.seeding = 'on'",
    'set sms.lane_causes = \'{"1": "x"}\'',
    "set work_mem = '64kB'",
    "set statement_timeout = '59s'; set lock_timeout = '58s'",
    "set role sms_analyst",
    "listen sms_bulk",
    "prepare x as select lair.f('x')",
    "declare x cursor with hold for select 1",
    "set local timezone = 'Asia/Omsk'",
]


@pytest.mark.parametrize("before", SETTINGS)
def test_the_session_is_as_it_was_and_lends_a_text_nothing(lab: Lab, before: str) -> None:
    with eve_again(lab) as eve, eve.transaction():
        eve.execute(before.encode())
        lab.spied()
        state = value(eve, SESSION)
        for way in (WAYS[0], WAYS[2]):
            with eve.transaction():
                eve.execute(way.encode(), [PLAIN])
        eve.execute("select * from sms.run_audience('s')")
        for way in (WAYS[0], WAYS[2]):
            with pytest.raises(psycopg.Error), eve.transaction():
                eve.execute(way.encode(), [SPYING.format(at="crm")])
        assert value(eve, SESSION) == state
    assert lab.spied() == []


@pytest.mark.parametrize(
    "text", [SPYING.format(at="lair"), "select pg_sleep/**/(9)::text as phone"]
)
@pytest.mark.parametrize(
    "around",
    [
        "do $d$ begin perform sms.dry_run({text}); end $d$",
        "do $d$ begin begin perform sms.dry_run({text}); exception when division_by_zero then null;"
        " end; end $d$",
        "explain analyze select * from sms.dry_run({text})",
        "select (select count(*) from sms.dry_run({text}) as d) from generate_series(1, 2)",
        "with d as materialized (select * from sms.dry_run({text})) select * from d",
        "select sms.dry_run_audience({text}, 'planned', null, null, now())",
        "insert into lair.fenced select 1, topic from sms.dry_run({text})",
        "create materialized view lair.mm as select * from sms.dry_run({text})",
        "begin read only; select * from sms.dry_run({text}); rollback",
        "create function lair.calls() returns bigint language sql as"
        " $d$ select count(*) from sms.dry_run({text}) $d$; select lair.calls()",
        "create function lair.calls() returns bigint security definer set search_path = lair"
        " language sql as $d$ select count(*) from sms.dry_run({text}) $d$; select lair.calls()",
        "create function lair.fires() returns trigger language plpgsql as"
        " $d$ begin perform sms.save_audience('trigger', {text}); return new; end $d$;"
        " create trigger t before insert on lair.fenced for each row execute function lair.fires();"
        " insert into lair.fenced values (9, '9')",
        "declare x cursor with hold for select * from sms.dry_run({text})",
        "prepare x as select * from sms.dry_run({text}); execute x",
    ],
)  # fmt: skip
def test_however_it_is_called_a_text_is_refused(lab: Lab, around: str, text: str) -> None:
    with eve_again(lab) as eve:
        call = around.format(text="$t$" + text + "$t$")
        with lab.unharmed():
            with pytest.raises(psycopg.Error) as caught:
                eve.execute(call.encode())
            assert caught.value.sqlstate in ("SM031", "SM020"), caught.value
        eve.execute("rollback")


def test_audiences_built_on_each_other_end_with_a_sentence(lab: Lab) -> None:
    nested = "select client_id, phone, now() as occurred_at from sms.run_audience('{}')"
    lab.keep_unchecked(nested.format("b"), "a")
    lab.keep_unchecked(nested.format("a"), "b")
    lab.keep_unchecked(SPYING.format(at="lair"), "spying")
    lab.keep_unchecked(nested.format("spying"), "innocent")
    for runner in lab.people["eve"], lab.people["olga"], lab.people["erp"]:
        with lab.unharmed(runner):
            for name in ("a", "innocent"):
                error = refused(runner, "select * from sms.run_audience(%s)", name)
                assert error is not None and error.sqlstate == "SM031"


ENDLESS = [
    "select n as client_id, '1' as phone from generate_series(1, 1000000000000) as n",
    "with recursive r (n) as (select 1 union all select n + 1 from r where n > 0)"
    " select n as client_id, '1' as phone from r where n < 0",
    "select count(*) as client_id, '1' as phone"
    " from generate_series(1, 1000000) as a, generate_series(1, 1000000) as b where a * b < 0",
    "select 1 as client_id, regexp_replace(repeat('a', 5000), '(a*)*(a*)*b', 'x') as phone",
    "select 1 as client_id, (9.9::numeric ^ 9999999.9)::text as phone",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_what_never_ends_is_ended_by_the_clock_of_whoever_runs_it(lab: Lab, text: str) -> None:
    lab.keep_unchecked(text)
    with eve_again(lab) as eve:
        eve.execute("set statement_timeout = '400ms'")
        with lab.unharmed(eve):
            for call in (
                "select * from sms.run_audience('old')",
                "select sms.save_audience('e', %s)",
            ):
                error = refused(eve, call, *([text] if "%s" in call else []))
                assert error is None or error.sqlstate in ("57014", "SM031", "SM033", "SM034"), (
                    error
                )


HUGE = [
    "select client_id, phone from erp.client /*" + "x" * 1_000_000 + "*/",
    "select client_id, phone from erp.client where " + "(" * 100_000 + "true" + ")" * 100_000,
    "select client_id, phone from erp.client where " + "not " * 24_000 + "true",
    "select client_id, phone from erp.client where 1" + "+1" * 40_000 + " > 1",
    "select client_id, phone, " + ", ".join(f"1 as c{n}" for n in range(1700)) + " from erp.client",
    "select client_id, phone, " + ", ".join(f"1 as c{n}" for n in range(60)) + " from erp.client",
    "select " + "(select " * 9_000 + "1" + ")" * 9_000 + " as client_id, '1' as phone",
    "select 1 as client_id, repeat('x', 2000000000) as phone",
    "select 1 as client_id, array_fill(1, array[2000000000])::text as phone",
]


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:50])
def test_what_is_too_big_is_refused(lab: Lab, text: str) -> None:
    eve = lab.people["eve"]
    with lab.unharmed(eve):
        for way in WAYS[:2]:
            error = refused(eve, way.replace("'s'", "'huge'"), text)
            assert error is not None
            assert error.sqlstate in ("SM031", "SM032", "SM033", "SM074", "23514", "54001"), error
