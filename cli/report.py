"""`outbox report`: what became of the messages of a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show, word
from outbox import calls
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows import ReportLine
from outbox.settings import load


@app.command(epilog="Example: outbox report --since 2026-03-01T00:00 --until now --json")
def report(
    since: Annotated[str, typer.Option(help="Messages inserted from then on.")] = "24h",
    until: Annotated[str, typer.Option(help="… and before then.")] = "now",
    as_json: AsJson = False,
) -> None:
    """Count messages by state and reason: segments, cost, times to hand-over and to delivery."""
    start, end = moment(since, "--since"), moment(until, "--until")
    if start >= end:
        raise UsageMistake(f"--since {since} is not before --until {until}.")
    lines = run_async(_report(start, end))
    if as_json:
        show({"since": start, "until": end, "lines": lines, **_totals(lines)})
        return
    print_report(lines, title=f"Messages inserted {word(start)} to {word(end)}")


async def _report(start: datetime, until: datetime) -> list[ReportLine]:
    async with open_database(load(), name="outbox report") as db:
        return await db.call(calls.report, start=start, until=until)


def print_report(lines: Sequence[ReportLine], *, title: str) -> None:
    """The table, with a last line for all."""
    columns = [
        "state", "reason", ">messages", ">segments", ">cost",
        ">handed over p50", ">p95", ">final p50", ">p95",
    ]  # fmt: skip
    rows: list[Sequence[object]] = [
        (
            line.state,
            line.reason,
            line.messages,
            line.segments,
            line.cost,
            line.accept_p50,
            line.accept_p95,
            line.final_p50,
            line.final_p95,
        )
        for line in lines
    ]
    total = _totals(lines)
    rows.append(("all", "", total["messages"], total["segments"], total["cost"]))
    print_table(columns, rows, title=title)


def _totals(lines: Sequence[ReportLine]) -> dict[str, object]:
    return {
        "messages": sum(line.messages for line in lines),
        "segments": sum(line.segments for line in lines),
        "cost": sum((line.cost for line in lines if line.cost is not None), Decimal(0)),
    }
