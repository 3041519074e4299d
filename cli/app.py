"""What all commands share: the typer app, `--json`, tables, times and how async code is run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from cli.screen import console as console  # for the commands
from outbox.errors import UsageMistake
from outbox.settings import parse_duration
from outbox.terminal import echo, echo_json, one_line

T = TypeVar("T")

app = typer.Typer(
    name="outbox",
    help="An SMS outbox that lives in PostgreSQL. Settings: OUTBOX_* variables, see docs.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; ids are strings.")]


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(work)


def show(value: object) -> None:
    """Print as JSON: ids as strings, for they exceed 2^53; times as ISO, spans as seconds."""
    echo_json(plain(value), indent=2)


def plain(value: object, key: str = "") -> Any:
    """The value as JSON types."""
    match value:
        case bool() | None | str() | float():
            return value
        case int():
            return str(value) if key == "id" or key.endswith("_id") else value
        case datetime():
            return value.isoformat()
        case timedelta():
            return round(value.total_seconds(), 3)
        case Decimal():
            return float(value)
        case dict():
            return {str(name): plain(item, str(name)) for name, item in value.items()}
        case list() | tuple():
            return [plain(item, key) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        case _:
            return str(value)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """A plain table on stdout; columns named with a leading > are numbers."""
    if title:
        echo(title)
    console().print(make_table(columns, rows))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """The table, for those who print it again and again."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name = column.removeprefix(">")
        table.add_column(
            one_line(name), justify="right" if name != column else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(word(value) for value in row))
    return table


def word(value: object) -> str:
    """A value as people read it, on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return span(value)
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value:,.2f}"
        case int():
            return f"{value:,}" if abs(value) < 10**9 else str(value)  # ids and numbers as they are
        case float():
            return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
        case _:
            return one_line(str(value))


def span(length: timedelta) -> str:
    """A length of time in two digits and a unit."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} d"


def duration(text: str, option: str) -> timedelta:
    """An option's value as a length of time."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageMistake(f"{option}: {error}.") from None


def moment(text: str, option: str) -> datetime:
    """`now`, a length of time ago (`24h`), or an ISO time; without a zone it is local."""
    now = datetime.now(UTC)
    if text == "now":
        return now
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # a year that no other zone has
        pass
    try:
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        raise UsageMistake(
            f"{option}: {text!r} is no time: write now, 24h (that long ago) or 2026-03-01T09:00."
        ) from None


def message_id(text: str) -> int:
    """A message's id, as printed."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**63:
        raise UsageMistake(f"{text!r} is no message id: that is a number of up to 19 digits.")
    return int(text)
