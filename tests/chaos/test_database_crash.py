"""The database crashes in the middle of a drain and comes back; the worker is not restarted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import audit, fill, open_provider, until, until_nothing_is_left, until_taken
from tests.support.outbox_process import Programs
from tests.support.server import Server

pytestmark = pytest.mark.chaos

MESSAGES = 6000
EVERY_RECEIPT_CAME: LiteralString = """
    select not exists (select from sms.outcome as o where o.state = 'accepted')
"""


async def test_a_worker_outlives_two_crashes_of_the_database(
    dsn: str, cluster: Server, programs: Programs, log: Path
) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await open_provider(conn, log, tps=1000, latency_ms=50, receipt_delay_ms=100)
        worker = await programs.running("worker", lease_s=10)
        await fill(conn, MESSAGES)
    for moment in (1000, 3000):
        await until_taken(log, moment)
        await asyncio.to_thread(cluster.restart)
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await until_nothing_is_left(conn)
        await until(conn, EVERY_RECEIPT_CAME)
        states = await audit(conn, log)
    print(dict(states))
    assert states.total() == MESSAGES
    assert set(states) <= {"delivered", "uncertain"}
    assert worker.exit_code is None
    assert len(worker.events("database_away")) == len(worker.events("database_back")) >= 2
    assert len(worker.events("bell_back")) >= 2
