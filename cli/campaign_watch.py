"""How a run of a campaign looks: as a table, and live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.text import Text

from cli.app import console, make_table, plain, span, word
from cli.screen import progress_bar
from outbox.calls import campaigns
from outbox.db import Database, open_database
from outbox.errors import NotFound, TransientError
from outbox.rows_campaigns import Progress
from outbox.settings import load
from outbox.terminal import echo, echo_json, one_line

ENDED = {"finished", "stopped", "failed"}
COSTLY = 5  # a look at a million messages takes a while: rest so many times as long


async def watch_run(campaign: str, *, every_s: float, count: int, as_json: bool) -> None:
    """Look at the latest run again and again until it has ended."""
    out = console()
    async with open_database(load(), name="outbox campaign") as db:
        key = await db.call(campaigns.find, campaign=campaign)
        run = await _look(db, key, None)
        with Live(console=out, auto_refresh=False, transient=False) as live:
            looks = 0
            while True:
                looks += 1
                if as_json:
                    echo_json(plain(run), flush=True)
                elif out.is_terminal:
                    live.update(_draw(run), refresh=True)
                else:
                    out.print(line(run))
                if looks == count or run.state in ENDED:
                    return
                started = time.monotonic()
                try:
                    run = await _look(db, key, run.run_id)
                except TransientError as error:
                    live.update(Text(one_line(str(error))), refresh=True)
                await asyncio.sleep(max(every_s, COSTLY * (time.monotonic() - started)))


async def _look(db: Database, campaign_id: int, run_id: int | None) -> Progress:
    found = await db.call(campaigns.progress, campaign_id=campaign_id, run_id=run_id)
    if not found:
        raise NotFound("It was never launched: see outbox campaign launch --help.")
    return found[0]


def line(run: Progress) -> str:
    """A run in one line."""
    done = run.decided + run.unsent
    share = f"{100 * done / run.recipients:.0f} %" if run.recipients else ""
    left = "" if run.eta is None else f"   {span(run.eta - datetime.now(UTC))} left"
    return (
        f"{run.campaign}, run {run.run_id}: {run.state}   {done:,} of {run.recipients:,} {share}"
        f"   {run.per_s:,.0f} msg/s{left}   cost {word(run.cost)}"
    )


def _draw(run: Progress) -> RenderableType:
    done = run.decided + run.unsent
    bar = ProgressBar(total=max(run.recipients, 1), completed=done, width=60)
    return Group(
        Text(one_line(line(run)), style="bold"), bar, Text(), make_table(["", ">"], _counts(run))
    )


def print_progress(run: Progress) -> None:
    """A run as a table."""
    echo(line(run))
    console().print(make_table(["", ">"], _counts(run)))


def _counts(run: Progress) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("recipients", run.recipients),
        ("  waiting", run.waiting),
        ("  queued", run.queued),
        ("  in flight", run.inflight),
        *((f"  {state}", number) for state, number in sorted(run.states.items())),
        *((f"    {reason}", number) for reason, number in sorted(run.suppressed.items())),
    ]
    if run.state == "planned" and run.begins_at:
        rows.insert(0, ("begins", run.begins_at))
    if run.unsent:
        rows.append((f"  unsent ({run.unsent_reason})", run.unsent))
    rows += [("repeats dropped", run.repeated), ("segments", run.segments), ("cost", run.cost)]
    if run.budget is not None:
        rows.append(("budget", run.budget))
    if run.problem:
        rows.append(("problem", run.problem))
    return rows


@contextmanager
def bar_while(what: str) -> Iterator[None]:
    """Something that moves on stderr, where that is a terminal, while one long call runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with progress_bar(*columns, transient=True) as progress:
        progress.add_task(what, total=None)
        yield
