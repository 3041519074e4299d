"""Workers killed at random moments: nothing is lost, nothing doubled, and all doubt is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import audit, fill, open_provider, until_nothing_is_left, until_taken
from tests.support.outbox_process import Programs

pytestmark = pytest.mark.chaos

MESSAGES = 20_000
KILLS = 10


@pytest.mark.timeout(300)
async def test_twenty_thousand_messages_survive_ten_kills(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=700, latency_ms=100, receipt_delay_ms=200)
    workers = [await programs.running("worker") for _ in range(2)]
    await fill(conn, MESSAGES)
    moments = sorted(random.sample(range(100, MESSAGES * 3 // 4), KILLS))
    for turn, moment in enumerate(moments):
        victim = turn % 2
        await until_taken(log, moment)
        await workers[victim].ready()
        workers[victim].kill()
        workers[victim] = programs.start("worker")
    await until_nothing_is_left(conn)
    states = await audit(conn, log)
    print(f"killed after {moments}: {dict(states)}")
    assert states.total() == MESSAGES
    assert set(states) <= {"accepted", "delivered", "uncertain"}
    # A kill finds messages on their way: a test without any doubt would not have tested it.
    assert 0 < states["uncertain"] < MESSAGES // 4
