"""SIGTERM in the middle of a drain: what is under way is finished, the rest is handed back."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import audit, fill, open_provider, taken, until, until_taken
from tests.support import factory
from tests.support.outbox_process import Programs

pytestmark = pytest.mark.chaos

MESSAGES = 2000
AT_ONCE = 800  # two bulk claimers, four sends each, of a tenth of a second's messages
ONLY_WHAT_IS_ON_ITS_WAY: LiteralString = """
    select not exists (
        select f.id from sms.inflight as f
        except
        select unnest(s.ids) from sms.submitting as s)
"""


async def test_a_stopped_worker_finishes_what_is_on_its_way_and_hands_back_the_rest_at_once(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=1000, latency_ms=4000)
    worker = await programs.running("worker")
    await fill(conn, MESSAGES)
    await until_taken(log, AT_ONCE)
    worker.terminate()
    await until(conn, ONLY_WHAT_IS_ON_ITS_WAY)
    assert await factory.value(conn, "select count(*) from sms.outcome") == 0, "not at once"
    assert await worker.ended() == 0
    states = await audit(conn, log)
    assert states == {"accepted": len(taken(log)), "pending": MESSAGES - len(taken(log))}
    assert await factory.value(conn, "select max(attempt) from sms.pending") == 0
    assert await factory.value(conn, "select count(*) from sms.contact_log") == states["accepted"]


async def test_the_next_worker_takes_over_at_once(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=5000, latency_ms=50)
    for part in range(1, 4):
        worker = await programs.running("worker", lease_s=3600)
        if part == 1:
            await fill(conn, MESSAGES)
        await until_taken(log, part * 300)
        worker.terminate()
        assert await worker.ended() == 0
        assert await factory.value(conn, "select not exists (select from sms.inflight)")
    assert set(await audit(conn, log)) <= {"accepted", "pending"}


async def test_a_second_signal_ends_it_now_and_leaves_the_doubt_to_the_leases(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=1000, latency_ms=60_000)
    worker = await programs.running("worker")
    await fill(conn, MESSAGES)
    await until_taken(log, 300)
    worker.terminate()
    await until(conn, ONLY_WHAT_IS_ON_ITS_WAY)
    assert worker.exit_code is None
    worker.terminate()
    assert await worker.ended(within_s=10) == 0
    await conn.execute("select sms.expire_leases(p_as_of => now() + interval '10 minutes')")
    states = await audit(conn, log)
    assert states == {"uncertain": len(taken(log)), "pending": MESSAGES - len(taken(log))}
