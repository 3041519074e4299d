"""`outbox dry-run`: what a launch would do, before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show, word
from outbox import calls
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.files import read_text
from outbox.rows import DryRunLine
from outbox.settings import load
from outbox.terminal import echo

ANSWER_S = 900.0  # a million rows take a minute or two; the SELECT itself may take longer


@app.command(
    "dry-run",
    epilog='Example: outbox dry-run "select phone, client_id from clients" --body "Hello"',
)
def dry_run(
    select: Annotated[
        str | None, typer.Argument(metavar="[SELECT]", help="Who: a SELECT of phone, client_id, …")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Read the SELECT from this file.")] = None,
    channel: Annotated[str, typer.Option(help="The channel to send on.")] = "planned",
    body: Annotated[str | None, typer.Option(help="Text of rows that have none.")] = None,
    campaign: Annotated[
        int | None, typer.Option(help="Its campaign; without a SELECT, what still waits of it.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="When it would start, like 2026-03-01T09:00.")] = "now",
    as_json: AsJson = False,
) -> None:
    """Foretell a launch: kept, suppressed, deferred, segments, cost, end. Writes nothing."""
    text = _text(select, file)
    start = None if as_of == "now" else moment(as_of, "--as-of")
    if text is None and campaign is None:
        raise UsageMistake("Give a SELECT, --file or --campaign.")
    found = run_async(_ask(text, channel, body, campaign, start))
    if as_json:
        show(found)
    else:
        print_findings(found)


def _text(select: str | None, file: Path | None) -> str | None:
    if select is not None and file is not None:
        raise UsageMistake("Give either a SELECT or --file.")
    return read_text(file) if file is not None else select


async def _ask(
    select: str | None,
    channel: str,
    body: str | None,
    campaign: int | None,
    as_of: datetime | None,
) -> list[DryRunLine]:
    async with (
        open_database(load(), name="outbox dry-run") as db,
        db.connection(timeout_s=ANSWER_S) as conn,
    ):
        if select is None:
            assert campaign is not None
            return await calls.dry_run_campaign(conn, campaign_id=campaign, as_of=as_of)
        return await calls.dry_run_select(
            conn, select=select, channel=channel, body=body, campaign_id=campaign, as_of=as_of
        )


def print_findings(found: Sequence[DryRunLine]) -> None:
    """One table, and a sentence about the end."""
    print_table(
        ["", "", ">messages", ">segments", ">cost", "done"],
        [
            (name, key, line.messages, line.segments, line.cost, done)
            for line, name, key, done in _named(found)
        ],
    )
    ends = [line for line in found if line.topic == "ends"]
    if ends:
        at = ends[0].at
        text = f"Ends {word(at)}, if nothing else is sent." if at else "Never ends: see above."
        echo()
        echo(text)


def _named(
    found: Sequence[DryRunLine],
) -> Iterator[tuple[DryRunLine, str, str | None, datetime | str | None]]:
    """Each line with its topic only where it changes, and what its time means."""
    before = None
    for line in found:
        if line.topic == "ends":
            continue
        name = line.topic if line.topic != before else ""
        before = line.topic
        match line.topic:
            case "deferred":
                yield line, name, f"to {word(line.at)}", None
            case "cost":
                yield line, name, line.key, line.at or "nobody sends it"
            case _:
                yield line, name, line.key, None
