"""A number that somebody keeps locked is reported, for claims pass it over in silence (S6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from tests.support.factory import (
    claim,
    insert_outbox,
    make_provider,
    number,
    row,
    rows,
    set_caps,
    value,
)
from tests.support.logins import login
from tests.support.outbox_process import answer, with_rights_of
from worker.busy import BusyWatch

BUSY = "select number, client_id, messages, pid, login from sms.busy_numbers"
AGE = "update sms.busy_number set since = since - interval '65 seconds'"


@pytest.fixture
async def due(conn: AsyncConnection) -> int:
    """A message that has been due for an hour."""
    await make_provider(conn)
    message_id = await insert_outbox(conn, phone=str(number(71)), client_id=5, not_before=None)
    await conn.execute("update sms.pending set not_before = now() - interval '1 hour'")
    return message_id


@asynccontextmanager
async def somebody(dsn: str) -> AsyncIterator[AsyncConnection]:
    """A session that may lock what it likes: a mistake of an administrator will do."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        yield connection


async def look(conn: AsyncConnection) -> int:
    """One look of the chore: how many numbers it found."""
    return int(await value(conn, "select numbers from sms.watch_busy_numbers()"))


async def test_a_held_number_is_found_after_a_minute_and_told_everywhere(
    conn: AsyncConnection, dsn: str, due: int
) -> None:
    async with somebody(dsn) as stranger, login(dsn, "sms_worker") as worker:
        await stranger.execute("select pg_advisory_lock(%s)", [number(71)])
        assert (await claim(conn, as_of=None)).ids == []  # passed over, and nobody knows
        assert await look(worker) == 0  # it may be a claim at work
        await conn.execute(AGE)

        assert await look(worker) == 1
        async with login(dsn, "sms_operator") as operator:
            assert await rows(operator, BUSY) == [
                {"number": "7907***0071", "client_id": None, "messages": 1,
                 "pid": stranger.info.backend_pid, "login": stranger.info.user}
            ]  # fmt: skip
            told = await row(
                operator, "select detail from sms.explain(%s) where topic = 'now'", due
            )
        assert "its number is busy" in told["detail"]
        assert str(stranger.info.backend_pid) in told["detail"]
        async with login(dsn, "sms_monitor") as monitor:
            metric = "select value from sms.metric_values() where metric = 'outbox_busy_numbers'"
            assert await value(monitor, metric) == 1
        status = answer("status", dsn=with_rights_of(dsn, "sms_operator"))
        assert [held["number"] for held in status["busy_numbers"]] == ["7907***0071"]
        await stranger.execute("select pg_advisory_unlock_all()")

    assert await look(conn) == 0  # it let go
    assert await rows(conn, BUSY) == []
    told = await row(conn, "select detail from sms.explain(%s) where topic = 'now'", due)
    assert "busy" not in told["detail"]
    assert (await claim(conn, as_of=None)).ids == [due]


async def test_a_shared_lock_that_changes_hands_is_found_too(
    conn: AsyncConnection, dsn: str, due: int
) -> None:
    async with somebody(dsn) as one, somebody(dsn) as other:
        await one.execute("select pg_advisory_lock_shared(%s)", [number(71)])
        assert await look(conn) == 0
        await other.execute("select pg_advisory_lock_shared(%s)", [number(71)])
        await one.execute("select pg_advisory_unlock_all()")
        await conn.execute(AGE)

        assert await look(conn) == 1


async def test_a_held_client_is_found_where_caps_count_clients(
    conn: AsyncConnection, dsn: str, due: int
) -> None:
    async with somebody(dsn) as stranger:
        await stranger.execute("select pg_advisory_lock(%s)", [-1 - 5])
        await set_caps(conn)
        assert await look(conn) == 0
        assert await value(conn, "select count(*) from sms.busy_number") == 0
        await set_caps(conn, {"max_messages": 5, "period": "day", "per": "client"})
        await look(conn)
        await conn.execute(AGE)

        assert await look(conn) == 1
        assert [held["client_id"] for held in await rows(conn, BUSY)] == [5]
        told = await row(conn, "select detail from sms.explain(%s) where topic = 'now'", due)
        assert "its client is busy" in told["detail"]


@pytest.mark.parametrize(
    "harmless",
    [
        "update sms.pending set not_before = now() - interval '30 seconds'",  # not overdue yet
        "update sms.lane set is_held = true",  # nothing would go anyway
        "update sms.provider set is_enabled = false",
        "update sms.pending set msisdn = msisdn + 1",  # somebody else's number
    ],
)
async def test_what_holds_up_nothing_is_not_told(
    conn: AsyncConnection, dsn: str, due: int, harmless: str
) -> None:
    async with somebody(dsn) as stranger:
        await stranger.execute("select pg_advisory_lock(%s)", [number(71)])
        await conn.execute(harmless)
        await look(conn)
        await conn.execute(AGE)

        assert await look(conn) == 0


async def test_locks_of_claims_come_and_go(conn: AsyncConnection, dsn: str, due: int) -> None:
    async with login(dsn, "sms_worker") as worker, worker.transaction():
        assert (await claim(worker, as_of=None)).ids == [due]
        assert await look(conn) == 0
    await conn.execute(AGE)
    assert await look(conn) == 0
    assert await value(conn, "select count(*) from sms.busy_number") == 0


async def test_a_flood_of_locks_costs_no_more_than_a_thousand_rows(
    conn: AsyncConnection, dsn: str, due: int
) -> None:
    async with somebody(dsn) as stranger:
        await stranger.execute(
            "select count(pg_advisory_lock(%s + n)) from generate_series(1, 3000) as n",
            [number(0)],
        )
        await look(conn)
        assert await value(conn, "select count(*) from sms.busy_number") == 1000
        await conn.execute(AGE)
        assert await look(conn) == 1


async def test_the_worker_warns_once_without_a_whole_number(
    conn: AsyncConnection, dsn: str, due: int
) -> None:
    watch = BusyWatch()
    with capture_logs() as logs:
        async with somebody(dsn) as stranger, login(dsn, "sms_worker") as worker:
            await stranger.execute("select pg_advisory_lock(%s)", [number(71)])
            await watch(worker)
            await conn.execute(AGE)
            for _ in range(3):
                await watch(worker)
            await stranger.execute("select pg_advisory_unlock_all()")
            await watch(worker)

    assert [log["event"] for log in logs] == ["numbers_busy", "numbers_free"]
    assert logs[0]["oldest"] == "7907***0071"
    assert logs[0]["messages"] == 1
    assert str(number(71)) not in str(logs)
