"""The campaigns' two chores: keep running ones fed, and begin those whose moment has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from psycopg import AsyncConnection

from outbox.calls import campaigns
from outbox.errors import DatabaseAway, from_psycopg
from outbox.rows_campaigns import DueRun
from worker.schedule import Begin, Move, ScheduleMistake, decide

log = structlog.get_logger()

FEED_AT_ONCE = 2500  # messages in one transaction: a pause waits no longer than that takes
FREEZE = timedelta(minutes=9)  # an audience and its recipients; a chore has ten


async def feed(conn: AsyncConnection) -> dict[str, int]:
    """Queue more of the running campaigns, close what is done."""
    done = await campaigns.feed(conn, limit=FEED_AT_ONCE)
    return {"fed": done.fed, "held": done.held, "ended": done.ended, "swept": done.swept}


async def begin_due(conn: AsyncConnection) -> dict[str, int]:
    """Plan and begin runs by their schedules; carry on a launch whose launcher was killed.

    One begins in a turn: collecting a million recipients is a transaction of its own.
    """
    await campaigns.limit_time(conn, limit=FREEZE)
    for run_id in await campaigns.unfrozen_runs(conn):
        if recipients := await _freeze(conn, run_id):
            return {"runs": 1, "recipients": recipients}
    for run in await campaigns.due_runs(conn):
        if await _begin(conn, run):
            return {"runs": 1, "recipients": await _freeze(conn, run.run_id)}
    return {"runs": 0}


async def _begin(conn: AsyncConnection, run: DueRun) -> bool:
    """Deal with one planned run; whether it began."""
    try:
        step = decide(run, datetime.now(UTC))
    except ScheduleMistake as mistake:
        await campaigns.fail_run(conn, run_id=run.run_id, problem=str(mistake))
        return False
    match step:
        case Begin(following=following):
            return await campaigns.start_run(
                conn, run_id=run.run_id, following=following, skipped=0
            )
        case Move(moment=moment, skipped=skipped):
            await campaigns.plan_run(conn, run_id=run.run_id, moment=moment, skipped=skipped)
    return False


async def _freeze(conn: AsyncConnection, run_id: int) -> int:
    """Collect the recipients of a run, or keep why that cannot be done; how many there are."""
    try:
        async with conn.transaction():
            return await campaigns.freeze_run(conn, run_id=run_id) or 0
    except psycopg.Error as error:
        problem = from_psycopg(error)
        if isinstance(problem, DatabaseAway):
            raise
        log.error("run_failed", run_id=run_id, error=str(problem))
        await campaigns.fail_run(conn, run_id=run_id, problem=str(problem))
        return 0
