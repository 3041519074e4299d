"""The whole way of a message, and claiming and settling alone."""

from __future__ import annotations

import asyncio
import os
import time
from typing import LiteralString

from bench.inserting import TO_OUTBOX, copy_in
from bench.lab import Lab, Requests
from outbox import calls
from outbox.db import connect
from outbox.rows import Results

BATCH = 500
RECEIPT_MS = 200  # at once would overtake the settling, as no operator does
CLAIMERS = 2
WARMING = 10_000
DONE: LiteralString = (
    "not exists (select from sms.pending) and not exists (select from sms.inflight)"
)
# Until now: the rows the statistics are asked of lie in the month to come.
HEARD: LiteralString = """
    not exists (select from sms.outcome as o
                 where o.id > %(since)s and o.id <= (select sms.next_id()) and o.state = 'accepted')
"""
ENDED: LiteralString = """
    select state, count(*) from sms.outcome
     where id > %s and id <= (select sms.next_id()) group by state
"""
COUNTED: LiteralString = "not exists (select from sms.stat_dirty)"
PATIENCE_S = 300


def warm_up(lab: Lab) -> None:
    """Once through everything, unmeasured: plans, caches, whole-page WAL of the pages in use."""
    with lab.worker():
        copy_in(lab, lab.make(Requests(count=WARMING)), TO_OUTBOX)
        wait(lab, DONE)


def whole_pipeline(lab: Lab) -> None:
    """Insert flat out while the real worker claims, sends in its process, settles, hears back."""
    count = lab.sizes.piped
    set_receipts(lab, RECEIPT_MS)
    warming, blocks = lab.make(Requests(count=WARMING)), lab.make(Requests(count=count))
    with lab.worker() as worker:
        wait(lab, COUNTED)  # the hour so far, which holds what other parts put into it
        copy_in(lab, warming, TO_OUTBOX)  # each of its connections plans its statements once
        wait(lab, DONE)
        since = next_id(lab)
        with lab.measure(worker.pid, os.getpid()) as spent:
            copy_in(lab, blocks, TO_OUTBOX)
            wait(lab, DONE)
            wait(lab, HEARD, since=since)
    _account(lab, since, count)
    lab.note("pipeline.rate", count / spent.seconds)
    lab.note("pipeline.us", (spent.server_us + spent.own_us) / count)
    lab.note("pipeline.server_us", spent.server_us / count)
    lab.note("pipeline.own_us", spent.own_us / count)
    lab.note("pipeline.wal", spent.wal / count)


def claim_and_settle(lab: Lab) -> None:
    """Drain messages of a channel without rules: claim and settle, nothing between."""
    count = lab.sizes.drained
    copy_in(lab, lab.make(Requests(count=count, channel="plain", with_ref=False)), TO_OUTBOX)
    with lab.measure(os.getpid()) as spent:
        judged = asyncio.run(_drain(lab.dsn))
    if judged != count or not lab.is_true(DONE):
        raise RuntimeError(f"{judged} of {count} messages were claimed, or some not settled")
    lab.note("drain.rate", count / spent.seconds)
    lab.note("drain.us", (spent.server_us + spent.own_us) / count)


async def _drain(dsn: str) -> int:
    """How many messages the claimers judged until nothing was due; all that may go is settled."""
    return sum(await asyncio.gather(*(_claim_all(dsn) for _ in range(CLAIMERS))))


async def _claim_all(dsn: str) -> int:
    judged = 0
    async with await connect(dsn, name="bench claimer") as conn:
        while True:
            claim = await calls.claim_batch(
                conn,
                provider="fake",
                worker="bench",
                limit=BATCH,
                from_priority=0,
                to_priority=3,
                lease_s=60,
            )
            if not claim.judged:
                return judged
            judged += claim.judged
            if not claim.ids:
                continue
            n = len(claim.ids)
            results = Results(
                ids=claim.ids, results=["accepted"] * n, segments=[2] * n, details=[None] * n,
                retry_after_s=[None] * n, ref_ids=[], refs=[], cost_ids=[], costs=[],
            )  # fmt: skip
            await calls.settle(conn, claim_id=claim.claim_id, results=results)


def set_receipts(lab: Lab, delay_ms: int | None) -> None:
    """When the fake provider reports: at once, later, or (null) never."""
    with lab.connect() as conn:
        conn.execute(
            """
            update sms.provider set settings = jsonb_build_object('receipt_delay_ms', %s::int)
             where provider = 'fake'
            """,
            (delay_ms,),
        )


def next_id(lab: Lab) -> int:
    """An id greater than every one given so far."""
    with lab.connect() as conn:
        row = conn.execute("select sms.next_id()").fetchone()
    assert row is not None
    return int(row[0])


def ended_since(lab: Lab, since: int) -> dict[str, int]:
    """How many of the messages with greater ids stand in which state."""
    with lab.connect() as conn:
        return dict(conn.execute(ENDED, (since,)).fetchall())


def wait(lab: Lab, condition: LiteralString, **values: object) -> None:
    """Look ten times a second until an SQL condition holds."""
    until = time.monotonic() + PATIENCE_S
    while not lab.is_true(condition, **values):
        if time.monotonic() > until:
            raise RuntimeError(f"not within {PATIENCE_S} s: {condition}")
        time.sleep(0.1)


def _account(lab: Lab, since: int, count: int) -> None:
    """Every message must have ended delivered, or suppressed by a rule."""
    ended = ended_since(lab, since)
    if sum(ended.values()) != count or ended.keys() - {"delivered", "suppressed"}:
        raise RuntimeError(f"of {count} messages ended: {ended}")
    lab.note("pipeline.suppressed", ended.get("suppressed", 0) / count)
