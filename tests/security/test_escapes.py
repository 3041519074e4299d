"""S1, S2, S3: analysts who became superuser, or left something behind, through a text of theirs.

Each attack is run as it was found, by a login of its own, and what happened is looked at: whether a
function of the analyst's ran at all, as whom, and what is different in the session afterwards.
"""

from __future__ import annotations

# ruff: noqa: S608 - injecting is what is tried here
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.security.conftest import Login
from tests.support.factory import row, rows, value

# Tells that it ran, and as whom, in a way that outlives a rollback and needs no right: a warning.
SPY = """
    create function {place}.f(text) returns boolean language plpgsql as $f$
    begin
        raise warning 'the spy runs as %', current_user;
        if current_setting('transaction_read_only') = 'off' and current_user <> session_user then
            execute 'alter function sms_audience.plan_select(text) security invoker';
        end if;
        return true;
    end $f$;
    create domain {place}.d as text check ({place}.f(value));
    create type {place}.c as (x {place}.d);
    grant usage on schema {place} to public;
"""
COMPOSITE = "select 1 as client_id, ('(x)'::{place}.c)::text as phone"
DOMAIN_IN = (
    "select 1 as client_id, '1' as phone"
    " where domain_in('x'::cstring, '{place}.d'::regtype::oid, -1) is not null"
)
FINDEXTENT = """
    select 1 as client_id, '1' as phone, st_findextent('a', 'b', 'x") as extent from (
        select null::public.geometry as x, pg_advisory_lock(77), pg_sleep(1.5),
        set_config(''timezone'', ''Asia/Kamchatka'', false),
        lo_from_bytea(0, ''y'')) as s -- ')::text as x
"""
SESSION = """
    select current_user, session_user, current_setting('role') as role,
           current_setting('transaction_read_only') as read_only,
           current_setting('timezone') as zone, current_setting('statement_timeout') as timeout,
           current_setting('client_encoding') as coding, current_setting('search_path') as path,
           (select count(*) from pg_locks
             where locktype = 'advisory' and pid = pg_backend_pid()) as locks
"""


def heard(*connections: AsyncConnection) -> list[str]:
    """What the analyst's function tells on these connections from now on."""
    told: list[str] = []
    for connection in connections:
        connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    return told


async def owners(conn: AsyncConnection) -> list[dict[str, object]]:
    """How the functions stand that run texts: owner, rights, settings."""
    return await rows(
        conn,
        """
        select p.oid::regprocedure::text, p.proowner::regrole::text, p.prosecdef, p.proconfig
          from pg_proc as p
         where p.pronamespace::regnamespace::text in ('sms', 'sms_audience', 'sms_parser')
         order by 1
        """,
    )


@pytest.fixture(params=["pg_temp", "lair"])
async def attacker(
    request: pytest.FixtureRequest, conn: AsyncConnection, login: Login
) -> tuple[AsyncConnection, str]:
    """An analyst with the attack's functions and types: of the session, or in an own schema."""
    eve = await login("sms_analyst")
    name = await value(eve, "select session_user::text")
    if request.param == "lair":
        await conn.execute(f"create schema lair authorization {name}".encode())
    await eve.execute(
        SPY.format(place=request.param)
        .replace("grant usage on schema pg_temp to public;", "")
        .encode()
    )
    return eve, request.param


@pytest.mark.parametrize("text", [COMPOSITE, DOMAIN_IN])
@pytest.mark.parametrize(
    "act",
    [
        "select sms.save_audience('x', %s)",
        "insert into sms.audience (audience, query) values ('x', %s)",
        "insert into sms.goal (goal, query) values ('x', %s)",
        "select * from sms.dry_run(%s)",
    ],
)
async def test_a_function_of_the_analysts_own_never_runs_while_a_text_is_checked(
    conn: AsyncConnection, attacker: tuple[AsyncConnection, str], text: str, act: str
) -> None:
    eve, place = attacker
    told = heard(eve)
    before = await owners(conn)

    with pytest.raises(psycopg.Error) as caught:
        await eve.execute(
            act.encode(),
            [text.format(place=place).replace("client_id, ", "client_id, now() as occurred_at, ")],
        )

    assert caught.value.sqlstate == "SM031"
    assert told == []
    assert await owners(conn) == before
    assert await value(conn, "select count(*) from sms.audience") == 0


@pytest.mark.parametrize("text", [COMPOSITE, DOMAIN_IN])
async def test_nor_when_somebody_else_runs_what_got_saved(
    conn: AsyncConnection, attacker: tuple[AsyncConnection, str], text: str
) -> None:
    """As if it had been saved before there was a wall: by the owner, the check switched off."""
    eve, place = attacker
    await conn.execute("alter table sms.audience disable trigger check_audience")
    await conn.execute("alter table sms.goal disable trigger check_goal")
    query = text.format(place=place)
    await conn.execute(
        "insert into sms.audience (audience, query, columns, planned_cost)"
        " values ('x', %s, '{client_id,phone}', 0)",
        [query],
    )
    goal = query.replace("client_id, ", "client_id, now() as occurred_at, ")
    await conn.execute("insert into sms.goal (goal, query) values ('x', %s)", [goal])
    before = await owners(conn)
    told = heard(eve, conn)

    for runner in (eve, conn):
        state = await row(runner, SESSION)
        for act in (
            "select * from sms.run_audience('x')",
            "select * from sms.preview_audience('x')",
        ):
            with pytest.raises(psycopg.Error):
                await runner.execute(act.encode())
        assert await row(runner, SESSION) == state
    await conn.execute("select sms.collect_conversions()")
    assert told == []
    assert await owners(conn) == before


async def test_the_spy_would_be_heard(attacker: tuple[AsyncConnection, str]) -> None:
    eve, place = attacker
    told = heard(eve)
    await eve.execute(f"select 'x'::{place}.d".encode())
    assert len(told) == 1


async def test_statements_hidden_in_a_text_for_postgis_do_not_run(
    conn: AsyncConnection, login: Login
) -> None:
    eve = await login("sms_analyst")
    state = await row(eve, SESSION)

    for act in ("select sms.save_audience('x', %s)", "select * from sms.dry_run(%s)"):
        with pytest.raises(psycopg.Error, match="may not call") as caught:
            await eve.execute(act.encode(), [FINDEXTENT])
        assert caught.value.sqlstate in ("SM031", "SM020")
    assert await row(eve, SESSION) == state
    assert await value(conn, "select count(*) from pg_largeobject_metadata") == 0


async def save_and_run(conn: AsyncConnection, query: str) -> None:
    await conn.execute("select sms.save_audience('x', %s)", [query])
    await conn.execute("select * from sms.run_audience('x')")


async def test_what_changes_the_session_is_taken_back_whoever_runs_it(
    conn: AsyncConnection,
) -> None:
    """The last wall by itself: a trusted function that changes settings is granted by mistake."""
    await conn.execute(
        """
        create schema crm;
        create function crm.f(text) returns text immutable language plpgsql as $f$
        begin
            perform set_config('timezone', 'Asia/Kamchatka', false);
            perform set_config('statement_timeout', '0', false);
            perform set_config('transaction_read_only', null, false);
            return 'x';
        end $f$;
        grant usage on schema crm to sms_audience, sms_parser;
        grant execute on function crm.f(text) to sms_audience;
        insert into erp.local_client (client_id, phone) values (1, '89070000001')
        """
    )
    for query in (
        "select 1 as client_id, crm.f('x') as phone",
        "select client_id, crm.f(phone) as phone from erp.client",
    ):
        state = await row(conn, SESSION)
        with pytest.raises(psycopg.Error) as caught:
            await save_and_run(conn, query)
        assert caught.value.sqlstate == "SM031"
        assert await row(conn, SESSION) == state


async def test_no_statement_reaches_the_server_itself(
    conn: AsyncConnection, login: Login, tmp_path: Path
) -> None:
    """The end of the first attack, as it was run: COPY TO PROGRAM by a superuser's rights."""
    marker = tmp_path / "marker"
    eve = await login("sms_analyst")
    await eve.execute(
        f"""
        create function pg_temp.f(text) returns boolean language plpgsql as $f$ begin
          raise warning 'the spy runs as %', current_user;
          if (select rolsuper from pg_roles where rolname = current_user) then
            copy (select 1) to program 'touch {marker}';
          end if; return true; end $f$;
        create domain pg_temp.d as text check (pg_temp.f(value));
        create type pg_temp.c as (x pg_temp.d)
        """.encode()
    )
    told = heard(eve)
    for _ in range(2):
        with pytest.raises(psycopg.Error, match="temporary objects of its own"):
            await eve.execute(
                "select sms.save_audience('x', %s)", [COMPOSITE.format(place="pg_temp")]
            )
    assert told == []
    assert not marker.exists()
