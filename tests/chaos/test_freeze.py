"""Workers frozen past their leases and woken again: what they held is no longer theirs."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import (
    audit,
    fill,
    open_provider,
    taken,
    until,
    until_nothing_is_left,
    until_taken,
)
from tests.support import factory
from tests.support.outbox_process import Program, Programs
from tests.support.waiting import eventually

pytestmark = pytest.mark.chaos

MESSAGES = 2500
# What a sleeper asked for before it froze is still carried out.
SERVER_IS_DONE: LiteralString = """
    select not exists (
        select from pg_stat_activity as a
         where a.datname = current_database() and a.application_name = 'outbox worker'
           and a.state = 'active')
"""


async def test_a_worker_that_slept_past_its_lease_neither_sends_nor_settles(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=300, latency_ms=200)
    sleepers = [await programs.running("worker") for _ in range(2)]
    await fill(conn, MESSAGES)
    for sleeper in sleepers:
        await until_taken(log, len(taken(log)) + 150)
        sleeper.freeze()
    await until(conn, SERVER_IS_DONE)
    held = set(await factory.column(conn, "select id from sms.inflight"))
    submitted = set(taken(log))
    await programs.running("worker")
    await until_nothing_is_left(conn)
    for sleeper in sleepers:
        await wake_up_late(sleeper)
    assert (await audit(conn, log)).total() == MESSAGES
    doubtful = await factory.column(conn, "select id from sms.message where state = 'uncertain'")
    assert held & submitted <= set(doubtful) <= held
    assert held - submitted, "nothing was left for the sleepers to send too late"


async def wake_up_late(sleeper: Program) -> None:
    """Let it find out that its leases are over, and end."""
    sleeper.thaw()
    await eventually(lambda: sleeper.events("results_came_late"))
    sleeper.terminate()
    assert await sleeper.ended() == 0
