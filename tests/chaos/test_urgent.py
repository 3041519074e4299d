"""A campaign drains flat out; an urgent row still goes at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import fill, open_provider, until, until_taken
from tests.support import factory
from tests.support.outbox_process import Programs

pytestmark = pytest.mark.chaos

BACKLOG = 20_000
SAMPLES = 40
PATIENCE_S = 2.0  # a bound that tells waiting in the queue from not waiting; `make bench` measures


async def test_urgent_messages_overtake_a_draining_campaign(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=2500)
    await programs.running("worker")
    await fill(conn, BACKLOG, channel="planned")
    await until_taken(log, 500)
    waits = []
    for sample in range(SAMPLES):
        waits.append(await time_to_provider(conn, sample))
        backlog = await factory.value(conn, "select count(*) from sms.pending")
        assert backlog > 0, "the campaign ended before the test did"
        if backlog < BACKLOG / 2:  # however long the samples take here
            await fill(conn, BACKLOG, channel="planned", after=(sample + 1) * BACKLOG)
    print(f"{backlog} still waiting; urgent took {[f'{wait:.3f}' for wait in waits]} s")
    assert max(waits) < PATIENCE_S


async def time_to_provider(conn: AsyncConnection, sample: int) -> float:
    """Seconds from the insert of an urgent message until the provider has it."""
    phone = str(factory.number(1_000_000 + sample))
    id_ = await factory.insert_outbox(conn, channel="otp", phone=phone, not_before=None)
    await until(conn, "select state = 'accepted' from sms.message where id = %s", id_)
    seen = await factory.message(conn, id_)
    return float((seen["submitted_at"] - seen["created_at"]).total_seconds())
