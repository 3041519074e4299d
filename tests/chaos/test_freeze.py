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
from tests.support.outbox_process import Programs
from tests.support.waiting import eventually

pytestmark = pytest.mark.chaos

MESSAGES = 4000
# What a sleeper asked for before it froze is still carried out.
SERVER_IS_DONE: LiteralString = """
    select not exists (
        select from pg_stat_activity as a
         where a.datname = current_database() and a.application_name = 'outbox worker'
           and a.state = 'active')
"""
ANOTHER_HOLDS_THEM: LiteralString = """
    select bool_and(f.claim_id <> all (%s)) and bool_or(f.id = any (%s)) from sms.inflight as f
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
    claims = await factory.column(conn, "select distinct claim_id from sms.inflight")
    submitted = set(taken(log))
    await programs.running("worker")
    await until(conn, ANOTHER_HOLDS_THEM, claims, list(held - submitted))
    for sleeper in sleepers:
        sleeper.thaw()
    for sleeper in sleepers:
        await eventually(lambda it=sleeper: it.events("results_came_late"))  # type: ignore[misc]
    await until_nothing_is_left(conn)
    assert (await audit(conn, log)).total() == MESSAGES
    doubtful = await factory.column(conn, "select id from sms.message where state = 'uncertain'")
    assert held & submitted <= set(doubtful) <= held
    assert held - submitted, "nothing was left for the sleepers to send too late"
    assert [sleeper.exit_code for sleeper in sleepers] == [None, None]
