"""`outbox top`: the queue, live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.app import AsJson, app, console, make_table, plain, run_async
from outbox import calls
from outbox.db import Database, open_database
from outbox.errors import TransientError
from outbox.rows import LaneStatus
from outbox.settings import load
from outbox.terminal import echo_json, lines, one_line

LANES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen at one moment; `per_s` since the sight before."""

    pending: int
    due: int
    inflight: int
    oldest_due: timedelta | None
    states: dict[str, int]
    per_s: float
    lanes: Sequence[LaneStatus]
    ill: dict[str, str]  # breakers that are not closed


@app.command(epilog="Example: outbox top --every 0.5")
def top(
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.1)] = 1.0,
    count: Annotated[int, typer.Option(help="Stop after so many looks; 0: never.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Watch the queue live: what waits, what goes out, how fast. Ctrl-C ends it."""
    run_async(_top(every, count, as_json=as_json))


async def _top(every: float, count: int, *, as_json: bool) -> None:
    started = datetime.now(UTC)
    out = console()
    async with open_database(load(), name="outbox top") as db:
        watch = Watch(db, started)
        sight = await watch.look()
        with Live(console=out, auto_refresh=False, screen=False, transient=False) as live:
            looks = 0
            while True:
                looks += 1
                if as_json:
                    echo_json(plain(sight), flush=True)
                elif out.is_terminal:
                    live.update(_draw(sight, started), refresh=True)
                else:
                    out.print(_line(sight))
                if looks == count:
                    return
                await asyncio.sleep(every)
                try:
                    sight = await watch.look()
                except TransientError as error:
                    live.update(Text(one_line(str(error))), refresh=True)


class Watch:
    """Looks again and again and knows what changed."""

    def __init__(self, db: Database, since: datetime) -> None:
        self._db = db
        self._since = since
        self._before: tuple[float, int] | None = None

    async def look(self) -> Sight:
        lanes = await self._db.call(calls.queue_status)
        counts = await self._db.call(calls.outcome_status, since=self._since)
        providers = await self._db.call(calls.list_providers)
        states = {count.state: count.messages for count in counts}
        due_since = [lane.oldest_due_at for lane in lanes if lane.oldest_due_at is not None]
        return Sight(
            pending=sum(lane.pending for lane in lanes),
            due=sum(lane.due for lane in lanes),
            inflight=sum(lane.inflight for lane in lanes),
            oldest_due=datetime.now(UTC) - min(due_since) if due_since else None,
            states=states,
            per_s=self._rate(sum(states.values())),
            lanes=[lane for lane in lanes if lane.pending or lane.inflight],
            ill={row.provider: row.breaker for row in providers if row.breaker != "closed"},
        )

    def _rate(self, total: int) -> float:
        now, before = time.monotonic(), self._before
        self._before = (now, total)
        return 0.0 if before is None else round((total - before[1]) / (now - before[0]), 1)


def _draw(sight: Sight, started: datetime) -> RenderableType:
    lanes = sorted(sight.lanes, key=lambda lane: -lane.due)[:LANES]
    columns = ["channel", "operator", "provider", ">pending", ">due", ">in flight"]
    rows = [
        (ln.channel, ln.operator, ln.provider or "(parked)", ln.pending, ln.due, ln.inflight)
        for ln in lanes
    ]
    states = make_table(["state", ">messages"], sorted(sight.states.items()))
    head = Text(lines(f"{_line(sight)}\n"), style="bold")
    since = Text(f"\nleft the queue since {started.astimezone():%H:%M:%S}")
    return Group(head, make_table(columns, rows), since, states)


def _line(sight: Sight) -> str:
    oldest = f", oldest {sight.oldest_due.total_seconds():.1f} s" if sight.oldest_due else ""
    ill = "".join(f"   {name} {state}" for name, state in sight.ill.items())
    return (
        f"{sight.per_s:,.0f} msg/s   due {sight.due:,}{oldest}   in flight {sight.inflight:,}   "
        f"waiting {sight.pending - sight.due:,}{ill}"
    )
