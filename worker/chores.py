"""What must happen in time whoever does it: every process offers, one at a time leads.

The leader of a chore is whoever gets its advisory lock inside the chore's own transaction; it is
let go with the commit, so it works behind PgBouncer and a dead leader is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import structlog
from psycopg import AsyncConnection

from outbox import calls
from outbox.calls import events, money, routes
from outbox.db import Database
from outbox.errors import DatabaseError, TransientError
from worker import campaigns, clock
from worker.busy import BusyWatch
from worker.clock import happens, jittered

log = structlog.get_logger()

AT_ONCE = 1000  # rows in one transaction; when it was full, the next follows at once
LEARN_AT_ONCE = 20_000  # failed messages of a minute; 50 µs each
AFTER_TROUBLE_S = 3.0  # results that waited out an outage shall be settled before leases expire
HOURS_AT_ONCE = 24  # of statistics; a busy hour takes a second
LONGEST_S = 600.0  # maintaining partitions may wait for a lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One duty: `run` does it once and tells how many rows it moved, for the log."""

    number: int
    name: str
    every_s: float
    run: Callable[[AsyncConnection], Awaitable[dict[str, int]]]
    rest: float = 0.0  # pause at least so many times as long as it took


async def _expire_leases(conn: AsyncConnection) -> dict[str, int]:
    done = await calls.expire_leases(conn, limit=AT_ONCE)
    return {"returned": done.returned, "uncertain": done.uncertain}


async def _match_receipts(conn: AsyncConnection) -> dict[str, int]:
    return {"matched": await calls.match_receipts(conn, limit=AT_ONCE)}


async def _apply_uncertain_policy(conn: AsyncConnection) -> dict[str, int]:
    done = await calls.apply_uncertain_policy(conn, limit=AT_ONCE)
    return {"resent": done.resent, "given_up": done.given_up}


async def _learn_numbers(conn: AsyncConnection) -> dict[str, int]:
    done = await calls.learn_numbers(conn, limit=LEARN_AT_ONCE)
    return {"blacklisted": done.blacklisted, "lifted": done.lifted}


async def _maintain_partitions(conn: AsyncConnection) -> dict[str, int]:
    done = await calls.maintain_partitions(conn)
    return {"created": done.created, "dropped": done.dropped}


async def _make_planned(conn: AsyncConnection) -> dict[str, int]:
    done = await events.make_planned(conn, limit=AT_ONCE)
    return asdict(done)


async def _watch_routes(conn: AsyncConnection) -> dict[str, int]:
    return asdict(await routes.watch_routes(conn))


async def _roll_up_statistics(conn: AsyncConnection) -> dict[str, int]:
    await money.roll_up_statistics(conn, limit=HOURS_AT_ONCE)
    return {}  # it always did something: not worth a line each time


async def _watch_budgets(conn: AsyncConnection) -> dict[str, int]:
    return {"budgets": await money.watch_budgets(conn)}


async def _collect_conversions(conn: AsyncConnection) -> dict[str, int]:
    return {"conversions": await money.collect_conversions(conn)}


WOKEN = (6, 7)  # by NOTIFY sms_campaign
CHORES = (
    Chore(number=1, name="expire_leases", every_s=1, run=_expire_leases),
    Chore(number=2, name="match_receipts", every_s=1, run=_match_receipts),
    Chore(number=3, name="apply_uncertain_policy", every_s=10, run=_apply_uncertain_policy),
    Chore(number=4, name="maintain_partitions", every_s=3600, run=_maintain_partitions),
    Chore(number=5, name="learn_numbers", every_s=60, run=_learn_numbers),
    Chore(number=6, name="feed_campaigns", every_s=0.4, run=campaigns.feed),
    Chore(number=7, name="begin_runs", every_s=1, run=campaigns.begin_due),
    Chore(number=8, name="make_planned", every_s=5, run=_make_planned),
    Chore(number=11, name="watch_routes", every_s=1, run=_watch_routes),
    Chore(number=13, name="roll_up_statistics", every_s=10, run=_roll_up_statistics, rest=19.0),
    Chore(number=14, name="watch_budgets", every_s=5, run=_watch_budgets),
    Chore(number=15, name="collect_conversions", every_s=300, run=_collect_conversions),
    Chore(number=20, name="watch_busy_numbers", every_s=15, run=BusyWatch()),
)


async def keep_doing(
    chore: Chore, db: Database, stopping: asyncio.Event, *, woken: asyncio.Event | None = None
) -> None:
    """Do one chore at its interval, or when woken, until stopped, through any outage."""
    await keep(
        chore.name, chore.every_s, lambda: do(chore, db), stopping, woken=woken, rest=chore.rest
    )


async def keep(
    name: str,
    every_s: float,
    once: Callable[[], Awaitable[int]],
    stopping: asyncio.Event,
    *,
    woken: asyncio.Event | None = None,
    rest: float = 0.0,
) -> None:
    """Call `once` at this interval, or when woken, until stopped, through any outage of the
    database; pause at least `rest` times as long as the call took."""
    complaint = ""
    alarm = woken or stopping  # who wakes it also wakes it to stop
    while not stopping.is_set():
        if woken is not None:
            woken.clear()
        pause_s, began = jittered(every_s), clock.now()
        try:
            moved = await once()
            pause_s = max(pause_s, rest * (clock.now() - began))
        except TransientError:
            pause_s = max(pause_s, AFTER_TROUBLE_S)
        except DatabaseError as error:
            if str(error) != complaint:
                complaint = str(error)
                log.error("chore_failed", chore=name, error=complaint)
            pause_s = max(pause_s, AFTER_TROUBLE_S)
        else:
            complaint = ""
            if moved >= AT_ONCE:
                continue
        if not stopping.is_set():
            await happens(alarm, pause_s)


async def do(chore: Chore, db: Database) -> int:
    """Do one chore once, unless another process is at it; how many rows it moved."""
    async with db.connection(timeout_s=LONGEST_S) as conn, conn.transaction():
        if not await calls.try_lead(conn, chore=chore.number):
            return 0
        counts = await chore.run(conn)
    moved = sum(counts.values())
    if moved:
        log.info("chore_done", chore=chore.name, **counts)
    return moved
