"""`outbox log`: who created, changed, launched, paused what, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show
from outbox.calls import events
from outbox.db import open_database
from outbox.rows_events import LogEntry
from outbox.settings import load


@app.command(epilog="Example: outbox log --since 7d --who maria --kind campaign")
def log(
    since: Annotated[str, typer.Option(help="From then on.")] = "24h",
    who: Annotated[str | None, typer.Option(help="Only what this login or role did.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this: campaign, template, event_rule, channel, cap, …")
    ] = None,
    limit: Annotated[int, typer.Option(help="Newest entries shown.", min=1, max=100_000)] = 500,
    as_json: AsJson = False,
) -> None:
    """Show who did what and when, oldest first, with values before and after."""
    entries = run_async(_read(moment(since, "--since"), who, kind, limit))
    if as_json:
        show(entries)
        return
    print_table(["at", "who", "what"], [(entry.at, entry.who, entry.what) for entry in entries])


async def _read(since: datetime, who: str | None, kind: str | None, limit: int) -> list[LogEntry]:
    async with open_database(load(), name="outbox log") as db:
        return await db.call(events.read_log, since=since, who=who, kind=kind, limit=limit)
