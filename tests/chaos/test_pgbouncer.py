"""The worker behind PgBouncer in transaction mode: with a line of its own for the bell, or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import audit, fill, open_provider, until
from tests.chaos.bouncer import POOL, bouncer
from tests.support import factory
from tests.support.outbox_process import Programs

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(
        shutil.which("pgbouncer", path="/usr/bin:/usr/sbin") is None,
        reason="PgBouncer is not installed",
    ),
]

MESSAGES = 3000
ALL_DELIVERED: LiteralString = """
    select count(*) = %s from sms.outcome as o where o.state = 'delivered'
"""
LINES: LiteralString = """
    select count(*) from pg_stat_activity as a
     where a.datname = current_database() and a.pid <> pg_backend_pid()
"""


@pytest.fixture
def through(dsn: str) -> Iterator[str]:
    with bouncer(dsn) as through:
        yield through


async def test_notify_comes_over_the_direct_line(
    dsn: str, through: str, conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=50_000, receipt_delay_ms=50)
    worker = await programs.running("worker", dsn=through, listen_dsn=dsn, poll_s=60)
    await fill(conn, MESSAGES)
    await until(conn, ALL_DELIVERED, MESSAGES, patience_s=30)  # less than one poll
    await fill(conn, 1, channel="otp")
    await until(conn, ALL_DELIVERED, MESSAGES + 1, patience_s=60)
    assert await audit(conn, log) == {"delivered": MESSAGES + 1}
    assert await factory.value(conn, LINES) <= POOL + 1
    assert not worker.events("database_away", "bell_lost", "claim_refused", "settle_refused")


async def test_without_notify_the_poll_finds_everything(
    through: str, conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=50_000, receipt_delay_ms=50)
    worker = await programs.running("worker", dsn=through, listen_dsn="none", poll_s=0.2)
    assert worker.events("bell_polls_only")
    for there, channel in ((0, "mass"), (1000, "mass"), (2000, "otp")):
        await fill(conn, 1000, channel=channel, after=there)
        await until(conn, ALL_DELIVERED, there + 1000)
    assert await audit(conn, log) == {"delivered": 3000}
    assert await factory.value(conn, LINES) <= POOL
    assert not worker.events("database_away", "claim_refused", "settle_refused")
