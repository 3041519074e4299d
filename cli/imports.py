"""`outbox import …`: numbering plan, metro stations, clients, blacklist, holidays, tariffs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from psycopg import AsyncConnection
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

from cli.app import AsJson, app, run_async, show, word
from cli.screen import progress_bar
from geo.clients import import_clients
from geo.numbering import import_numbering
from geo.stations import import_stations
from imports.blacklist import import_blacklist
from imports.holidays import import_holidays
from imports.load import BadLine, ImportReport
from imports.tariffs import import_tariffs
from outbox.db import open_database
from outbox.errors import NothingImported
from outbox.settings import load
from outbox.terminal import echo

commands = typer.Typer(help="Load layers and rules from files.")
app.add_typer(commands, name="import")

Advance: TypeAlias = Callable[[int, int], None]
Import: TypeAlias = Callable[[AsyncConnection, Path, Advance | None], Awaitable[ImportReport]]

FILE = typer.Argument(metavar="FILE", help="The file; .gz is read as it is.")
LONGEST_S = 3600.0
BAD_SHOWN = 20


@commands.command(epilog="Example: outbox import numbering DEF-9xx.csv")
def numbering(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Replace the numbering plan: who holds a number and what time it is there."""
    _run("numbering", import_numbering, file, as_json=as_json)


@commands.command(epilog="Example: outbox import stations stations.csv")
def stations(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Add metro stations: city, line, name, lat, lon."""
    _run("stations", import_stations, file, as_json=as_json)


@commands.command(epilog="Example: outbox import clients clients.csv.gz")
def clients(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Add and move clients: client_id, lat, lon, optionally city; finds their time zones. With a
    column phone they become clients of erp.client too: phone, time_zone, anything else."""
    _run("clients", import_clients, file, as_json=as_json)


@commands.command(epilog="Example: outbox import blacklist court-orders.csv")
def blacklist(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Add to the blacklist: one of phone, prefix, group; optionally reason, category, channel,
    source, expires_at."""
    _run("blacklist", import_blacklist, file, as_json=as_json)


@commands.command(epilog="Example: outbox import holidays calendar-2027.csv")
def holidays(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Replace whole years by the production calendar, or add days: day, kind, title."""
    _run("holidays", import_holidays, file, as_json=as_json)


@commands.command(epilog="Example: outbox import tariffs prices-2027.csv")
def tariffs(file: Annotated[Path, FILE], as_json: AsJson = False) -> None:
    """Add prices of a segment: provider, price; optionally operator, category, currency,
    from_segments, valid_from, valid_until."""
    _run("tariffs", import_tariffs, file, as_json=as_json)


def _run(what: str, work: Import, file: Path, *, as_json: bool) -> None:
    report = run_async(_import(what, work, file))
    _list_bad(report.bad)
    if not report.kept:
        raise NothingImported(f"{file} holds no row that could be used.")
    if as_json:
        show(asdict(report))
        return
    facts = {key: value for key, value in asdict(report).items() if key != "bad"}
    bad = f", bad lines: {len(report.bad)}" if report.bad else ""
    echo(f"{what}: " + ", ".join(f"{_say(k)} {_shown(v)}" for k, v in facts.items()) + bad)


async def _import(what: str, work: Import, file: Path) -> ImportReport:
    async with (
        open_database(load(), name="outbox import") as db,
        db.connection(timeout_s=LONGEST_S) as conn,
    ):
        with _progress(what) as advance:
            return await work(conn, file, advance)


@contextmanager
def _progress(what: str) -> Iterator[Advance]:
    """A bar on stderr, where that is a terminal."""
    columns = (TextColumn(what, markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _list_bad(bad: list[BadLine]) -> None:
    for line in bad[:BAD_SHOWN]:
        echo(f"line {line.line}: {line.reason}", err=True)
    if len(bad) > BAD_SHOWN:
        echo(f"… and {len(bad) - BAD_SHOWN} more bad lines", err=True)


def _say(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return word(value)
