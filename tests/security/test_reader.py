"""The role that reads texts of analysts: what it may do at most, and that nothing goes round it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.security.conftest import Login
from tests.support.factory import rows, value


async def test_it_is_a_member_of_nothing_and_nobody_is_its_member(tx: AsyncConnection) -> None:
    found = await rows(
        tx,
        """
        select roleid::regrole, member::regrole from pg_auth_members
         where 'sms_audience'::regrole in (roleid, member)
            or 'sms_parser'::regrole in (roleid, member)
        """,
    )
    assert found == []


async def test_it_may_create_nothing_not_even_temporary_objects(tx: AsyncConnection) -> None:
    for right in ("create", "temporary"):
        assert not await value(
            tx,
            "select has_database_privilege('sms_audience', current_database(), %s)",
            right,
        )
    schemas = await rows(
        tx,
        """
        select nspname from pg_namespace
         where has_schema_privilege('sms_audience', oid, 'create')
        """,
    )
    assert schemas == []


@pytest.mark.parametrize("role", ["sms_audience", "sms_parser"])
async def test_they_can_name_nothing_that_they_own(tx: AsyncConnection, role: str) -> None:
    """They own what must run with their rights, in a schema to which they have none."""
    owned = await rows(
        tx,
        """
        select d.classid::regclass::text as kind, p.pronamespace::regnamespace::text as place
          from pg_shdepend as d
          left join pg_proc as p on p.oid = d.objid
         where d.refobjid = %s::regrole and d.deptype = 'o'
           and d.dbid = (select oid from pg_database where datname = current_database())
        """,
        role,
    )
    assert {(one["kind"], one["place"]) for one in owned} == {("pg_proc", "sms_audience")}
    for right in ("usage", "create"):
        assert not await value(
            tx, "select has_schema_privilege(%s, 'sms_audience', %s)", role, right
        )


async def test_it_writes_nowhere(tx: AsyncConnection) -> None:
    writable = await rows(
        tx,
        """
        select c.oid::regclass::text as name from pg_class as c
          join pg_namespace as n on n.oid = c.relnamespace and n.nspname !~ '^pg_'
         where c.relkind in ('r', 'p', 'v', 'f', 'm')
           and has_table_privilege('sms_audience', c.oid,
                                   'insert, update, delete, truncate, references, trigger')
        """,
    )
    assert writable == []


async def test_the_parser_reads_nothing(tx: AsyncConnection) -> None:
    readable = await rows(
        tx,
        """
        select c.oid::regclass::text as name from pg_class as c
          join pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('sms', 'geo', 'erp')
         where c.relkind in ('r', 'p', 'v', 'f', 'm')
           and has_any_column_privilege('sms_parser', c.oid, 'select')
        """,
    )
    assert readable == []


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("grant temporary on database {db} to public", "may create objects"),
        ("grant create on schema erp to sms_audience", "create objects in the schema erp"),
        ("grant sms_operator to sms_audience", "sms_audience is a member of sms_operator"),
        ("grant sms_audience to sms_erp", "sms_erp is a member of sms_audience"),
        ("grant sms_parser to sms_erp", "sms_erp is a member of sms_parser"),
        ("alter role sms_audience createdb", "may do more than read"),
        ("grant create on schema public to public", "objects in the schema public"),
    ],
)
async def test_a_hole_in_the_wall_stops_everything_with_a_sentence(
    tx: AsyncConnection, hole: str, says: str
) -> None:
    await tx.execute("select sms.save_audience('a', 'select client_id, phone from erp.client')")
    name = await value(tx, "select current_database()")
    await tx.execute(hole.format(db=f'"{name}"').encode())
    for act in (
        "select sms.save_audience('b', 'select client_id, phone from erp.client')",
        "select * from sms.run_audience('a')",
        "select * from sms.dry_run($$select phone from erp.client$$)",
    ):
        with pytest.raises(psycopg.Error, match=says) as caught:
            async with tx.transaction():
                await tx.execute(act.encode())
        assert caught.value.sqlstate == "SM031"
        assert "DBA" in (caught.value.diag.message_hint or "")


async def test_functions_that_run_texts_refuse_to_run_as_anybody_else(
    conn: AsyncConnection,
) -> None:
    """Were one altered to run as its caller, the caller's rights would be the text's."""
    for function, call in (
        ("sms_audience.read_people(text, bigint, timestamptz)", "'select 1', 1, now()"),
        ("sms_audience.read_goal(text, timestamptz)", "'select 1', now()"),
        ("sms_audience.read_requests(text)", "'select 1'"),
        ("sms_audience.plan_select(text)", "'select 1'"),
        ("sms_audience.analyse_select(text)", "'select 1'"),
        ("sms_audience.parse_select(text)", "'select 1'"),
    ):
        await conn.execute(f"alter function {function} security invoker".encode())
        with pytest.raises(psycopg.Error, match="only") as caught:
            await conn.execute(f"select {function.split('(')[0]}({call})".encode())
        assert caught.value.sqlstate == "SM031"


async def test_strangers_hold_no_advisory_lock_and_store_no_large_object(login: Login) -> None:
    for roles in ((), ("sms_analyst",), ("sms_operator",), ("sms_erp",), ("sms_worker",)):
        somebody = await login(*roles)
        for call in (
            "pg_advisory_lock(79070000071)",
            "pg_try_advisory_lock(79070000071)",
            "pg_advisory_xact_lock_shared(1, 2)",
            "pg_try_advisory_xact_lock(79070000071)",
            "lo_from_bytea(0, 'x')",
            "lo_create(0)",
            "lo_import('/etc/passwd')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await somebody.execute(f"select {call}".encode())


async def test_a_login_that_is_not_ours_keeps_what_it_had(conn: AsyncConnection, dsn: str) -> None:
    """The ERP's programs share the database: an upgrade leaves them their temporary tables."""
    from migrations.apply import migrate

    name = await value(conn, "select current_database()")
    await conn.execute("create role neighbour login")
    await conn.execute(f'grant temporary on database "{name}" to public'.encode())
    await conn.execute("grant execute on function pg_advisory_lock(bigint) to public")
    try:
        migrate(dsn)
        assert await value(
            conn, "select has_database_privilege('neighbour', current_database(), 'temporary')"
        )
        assert await value(
            conn,
            "select has_function_privilege('neighbour', 'pg_advisory_lock(bigint)', 'execute')",
        )
        assert await rows(conn, "select * from sms.open_walls()") == []
    finally:
        await conn.execute("drop owned by neighbour")
        await conn.execute("drop role neighbour")
