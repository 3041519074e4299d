"""Migrating without being a superuser: owning the database and CREATEROLE are enough."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from migrations.apply import migrate
from tests.support.server import Server

PASSWORD = "a password of the tests"


@pytest.fixture
def plain(server: Server) -> Iterator[str]:
    """The DSN of a database with PostGIS, for an owner who is no superuser and has no role yet."""
    name = f"plain_{secrets.token_hex(4)}"
    with psycopg.connect(server.dsn, autocommit=True) as root:
        # The group roles belong to the whole server, so here they may exist already.
        roles = root.execute("select rolname from pg_roles where rolname like 'sms\\_%'").fetchall()
        root.execute(
            sql.SQL("create role {} login createrole password {}").format(
                sql.Identifier(name), sql.Literal(PASSWORD)
            )
        )
        root.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(name)))
        with psycopg.connect(server.database(name), autocommit=True) as conn:
            conn.execute("create extension postgis; create extension btree_gist")
        parts = psycopg.conninfo.conninfo_to_dict(server.database(name))
        try:
            yield psycopg.conninfo.make_conninfo(
                "", **{**parts, "user": name, "password": PASSWORD}
            )
        finally:
            root.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            for (role,) in roles:
                root.execute(
                    sql.SQL("revoke {} from {}").format(sql.Identifier(role), sql.Identifier(name))
                )
            root.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_it_migrates_twice_and_audiences_are_as_safe(plain: str) -> None:
    migrate(plain)
    migrate(plain)
    with psycopg.connect(plain, autocommit=True) as conn:
        assert conn.execute(
            "select rolsuper from pg_roles where rolname = current_user"
        ).fetchone() == (False,)
        conn.execute("insert into erp.local_client (client_id, phone) values (1, '89070000001')")
        conn.execute(
            "select sms.save_audience('a', 'select client_id, phone, current_user::text as who"
            " from erp.client')"
        )
        assert conn.execute(
            "select client_id, phone, vars from sms.run_audience('a')"
        ).fetchall() == [(1, "89070000001", {"who": "sms_audience"})]
        for query in (
            "select client_id, body as phone from sms.outbox",
            "select 1 as client_id, set_config('role', 'sms_operator', false) as phone",
        ):
            with pytest.raises(psycopg.Error) as caught:
                conn.execute("select sms.save_audience('b', %s)", [query])
            assert caught.value.sqlstate == "SM031"
        assert conn.execute(
            "select has_schema_privilege('sms_audience', 'sms', 'create')"
        ).fetchone() == (False,)
        owners = conn.execute(
            """
            select p.proowner::regrole::text, count(*) from pg_proc as p
             where p.pronamespace = 'sms_audience'::regnamespace
             group by 1 order by 1
            """
        ).fetchall()
        assert owners == [("sms_audience", 5), ("sms_parser", 1)]
        # The owner of the database takes temporary objects from PUBLIC; the rest a DBA must do.
        walls = conn.execute("select wall, remedy from sms.open_walls()").fetchall()
        assert [wall for wall, _ in walls] == ["advisory locks and large objects"]
        assert "pg_try_advisory_xact_lock(bigint)" in walls[0][1]


def test_its_windows_show_messages_and_hold_for_confined_logins(plain: str) -> None:
    migrate(plain)
    shop = f"shop_{secrets.token_hex(4)}"
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create role {} login password {} in role sms_erp").format(
                sql.Identifier(shop), sql.Literal(PASSWORD)
            )
        )
        [code] = conn.execute(
            "insert into sms.outbox (channel, phone, body) values ('otp', '79070000001', '1234')"
            " returning id"
        ).fetchone() or [0]
        conn.execute("select sms.confine_login(%s, '{mass}')", [shop])
        assert conn.execute("select id from sms.message").fetchall() == [(code,)]
        assert conn.execute("select count(*) from sms.explain(%s)", [code]).fetchone() != (0,)
        theirs = psycopg.conninfo.make_conninfo(plain, user=shop)
        with psycopg.connect(theirs, autocommit=True) as confined:
            assert confined.execute("select id from sms.message").fetchall() == []
            assert confined.execute("select id from sms.outbox").fetchall() == []
            assert confined.execute("select sms.cancel(%s::bigint)", [code]).fetchone() == (0,)
            confined.execute(
                "insert into sms.outbox (channel, phone, body) values ('mass', '79070000002', 'x')"
            )
            assert confined.execute("select msisdn from sms.message").fetchall() == [(79070000002,)]
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(shop)))
