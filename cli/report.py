"""`outbox report`: what became of the messages of a span of time, or of a month as a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show, word
from outbox import calls
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows import ReportLine
from outbox.settings import load
from outbox.terminal import echo

if TYPE_CHECKING:
    from reports.month import Month


LONGEST_S = 300.0
_MONTH = re.compile("([12][0-9]{3})-(0[1-9]|1[0-2])")


@app.command(epilog="Example: outbox report --month 2026-10    (or: --since 24h --json)")
def report(
    since: Annotated[str, typer.Option(help="Messages inserted from then on.")] = "24h",
    until: Annotated[str, typer.Option(help="… and before then.")] = "now",
    month: Annotated[
        str | None, typer.Option(help="A whole month, 2026-10, as a page of HTML.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Where the page goes; sms-2026-10.html unless said.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="A folder for the month's tables as CSV.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count messages by state and reason: segments, cost, times to hand-over and to delivery.

    With --month: volumes, providers compared, money against plan, reasons, effect and worst hours
    on one page that needs nothing else.
    """
    if month is not None:
        _report_month(month, html, csv, as_json=as_json)
        return
    if html is not None or csv is not None:
        raise UsageMistake("--html and --csv are for a month: add --month 2026-10.")
    start, end = moment(since, "--since"), moment(until, "--until")
    if start >= end:
        raise UsageMistake(f"--since {since} is not before --until {until}.")
    lines = run_async(_report(start, end))
    if as_json:
        show({"since": start, "until": end, "lines": lines, **_totals(lines)})
        return
    print_report(lines, title=f"Messages inserted {word(start)} to {word(end)}")


def _report_month(text: str, html: Path | None, csv: Path | None, *, as_json: bool) -> None:
    """Write what is asked for; the page, unless it is only JSON or CSV."""
    match = _MONTH.fullmatch(text)
    if match is None:
        raise UsageMistake(f"--month {text}: write a year and a month, 2026-10.")
    try:
        from reports.month import read_month
        from reports.page import render
        from reports.tables import write_tables
    except ModuleNotFoundError as missing:
        raise UsageMistake(
            f"Monthly reports need the optional libraries ({missing.name} is not installed):"
            " pip install 'sms-outbox[planning]'."
        ) from None

    async def read() -> Month:
        async with (
            open_database(load(), name="outbox report") as db,
            db.connection(timeout_s=LONGEST_S) as conn,
        ):
            return await read_month(conn, date(int(match[1]), int(match[2]), 1))

    found = run_async(read())
    try:
        if csv is not None:
            for path in write_tables(found, csv):
                echo(str(path), err=True)
        if as_json:
            show(found)
        if html is not None or not (as_json or csv):
            page = html or Path(f"sms-{text}.html")
            page.write_text(render(found), encoding="utf-8")
            echo(str(page), err=as_json)
    except OSError as error:
        raise UsageMistake(f"{error.filename} cannot be written: {error.strerror}.") from None


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
