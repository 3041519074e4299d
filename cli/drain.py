"""`outbox run --drain`: work until nothing is left, then sum up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from cli.app import print_table, show
from cli.screen import progress_bar
from outbox import calls
from outbox.db import Database
from outbox.errors import LeftOver, TransientError
from outbox.rows import WorkLeft
from outbox.terminal import echo
from worker.clock import happens
from worker.main import Stop

LOOK_S = 0.2
ROWS_PER_S = 50_000  # counting what is left costs as much as some of the work: look less often


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What left the queue during a drain; `waiting` is due later: retries, schedules, nights."""

    seconds: float
    states: dict[str, int]
    waiting: int


async def drain(
    db: Database, receipt_wait: timedelta, stop: Stop, *, limit_s: float | None
) -> Summary:
    """Wait until all is done; LeftOver when stopped, or when it takes longer than `limit_s`."""
    started, since = time.monotonic(), datetime.now(UTC)
    left = WorkLeft(due=1, inflight=0, awaiting_receipt=0, feeding=0, asking=0)
    with _bar() as bar:
        while left.total:
            if stop.asked.is_set():
                raise LeftOver(f"Stopped with work left: {_say(left)}.")
            if limit_s is not None and time.monotonic() - started > limit_s:
                raise LeftOver(f"Not done after {limit_s:g} s: {_say(left)}.")
            try:
                left = await db.call(calls.work_left, receipt_wait=receipt_wait)
            except TransientError:
                await happens(stop.asked, 1.0)
                continue
            bar(left)
            if left.total:
                await happens(stop.asked, max(LOOK_S, left.due / ROWS_PER_S))
    lanes = await db.call(calls.queue_status)
    counts = await db.call(calls.outcome_status, since=since)
    return Summary(
        seconds=round(time.monotonic() - started, 2),
        states={count.state: count.messages for count in counts},
        waiting=sum(lane.pending for lane in lanes),
    )


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Tell what a drain did."""
    if as_json:
        show(summary)
        return
    print_table(["state", ">messages"], sorted(summary.states.items()))
    done = sum(summary.states.values())
    waiting = f"; {summary.waiting:,} wait for a later time" if summary.waiting else ""
    echo(f"{done:,} messages done in {summary.seconds:g} s{waiting}")


def _say(left: WorkLeft) -> str:
    feeding = f", {left.feeding} to be queued by campaigns" if left.feeding else ""
    asking = f", {left.asking} being asked about" if left.asking else ""
    return (
        f"{left.due} due, {left.inflight} in flight, {left.awaiting_receipt} awaiting a receipt"
        f"{feeding}{asking}"
    )


@contextmanager
def _bar() -> Iterator[Callable[[WorkLeft], None]]:
    """A bar on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task("draining", total=None)
        most = 0

        def advance(left: WorkLeft) -> None:
            nonlocal most
            most = max(most, left.total)
            progress.update(task, total=most, completed=most - left.total, description=_say(left))

        yield advance
