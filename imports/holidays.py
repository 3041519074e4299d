"""The production calendar of Russia, from a CSV file into sms.holiday.

Two layouts. The calendar as the government's open data has it: a line a year, first the year, then
twelve columns that list the month's days off, `*` behind a shortened working day (which is worked),
`+` behind a day off moved there from another. And a plain list: day, kind, title.
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg import AsyncConnection

from imports.load import (
    STAGE_HOLIDAYS,
    BadLine,
    ImportReport,
    Layout,
    Progress,
    RowRefused,
    copy_rows,
    read_lines,
    words,
)

CALENDAR = Layout()
PLAIN = Layout(required=("day", "kind"), optional=("title",), aliases={"date": "day"})
KINDS = ("off", "working")
YEARS = range(1990, 2101)
MONTHS = 12
_SATURDAY = 5
_CALENDAR = re.compile(r"\W*(?:год|year)", re.IGNORECASE)
_LISTED = re.compile(r"([0-9]{1,2})([*+]?)")
TITLES = {"off": "day off", "+": "day off moved here", "working": "weekend day that is worked"}
# (line, day, kind, title)
Row = tuple[int, date, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayReport(ImportReport):
    """`kept` counts days that are not as their weekday; `changed` those new, different or gone,
    `removed` those gone: in a calendar's years and not in the calendar."""

    removed: int


async def import_holidays(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> HolidayReport:
    """Replace the years that a calendar tells, or add the days of a plain list.

    A title that somebody gave to a day of the same kind stays. Takes effect at the next claim.
    Raises ImportRefused when the file as a whole cannot be read.
    """
    bad: list[BadLine] = []
    _, header = next(read_lines(path))
    is_calendar = bool(_CALENDAR.match(header or ""))
    rows = _calendar if is_calendar else _plain
    async with conn.transaction():
        await conn.execute("drop table if exists pg_temp.staged_holiday")
        await conn.execute(
            """
            create temp table staged_holiday (line_no int, day date, kind text, title text)
                on commit drop
            """
        )
        await copy_rows(conn, STAGE_HOLIDAYS, rows(path, bad, progress))
        result = await conn.execute(
            """
            with newest as (
                select distinct on (s.day) s.day, s.kind, s.title
                  from staged_holiday as s
                 order by s.day, s.line_no desc
            ), gone as (
                delete from sms.holiday as h
                 where %(is_calendar)s
                   and date_part('year', h.day) in (select date_part('year', n.day)
                                                      from newest as n)
                   and not exists (select from newest as n where n.day = h.day)
                returning 1
            ), put as (
                insert into sms.holiday as h (day, kind, title)
                select n.day, n.kind, n.title from newest as n
                    on conflict (day) do update set kind = excluded.kind, title = excluded.title
                 where h.kind <> excluded.kind
                    or (not %(is_calendar)s and h.title <> excluded.title)
                returning 1
            )
            select (select count(*) from newest), (select count(*) from put),
                   (select count(*) from gone)
            """,
            {"is_calendar": is_calendar},
        )
        [(kept, put, removed)] = await result.fetchall()
    return HolidayReport(kept=kept, changed=put + removed, removed=removed, bad=bad)


def _calendar(path: Path, bad: list[BadLine], progress: Progress | None) -> Iterator[Row]:
    """Yield the days of a calendar that are not as their weekday says; bad years go to `bad`."""
    for number, row in CALENDAR.read(path, bad, progress):
        try:
            for day, kind, title in _year(list(row.values())):
                yield number, day, kind, title
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _year(columns: list[str]) -> list[tuple[date, str, str]]:
    """A year's days that are not as their weekday says: day, kind, title."""
    if len(columns) <= MONTHS:
        raise RowRefused(f"{len(columns)} columns instead of a year and {MONTHS} months")
    text = columns[0].strip()
    if not re.fullmatch("[0-9]{4}", text) or int(text) not in YEARS:
        raise RowRefused(f"the year is not {YEARS[0]} to {YEARS[-1]}")
    found = []
    for month in range(1, MONTHS + 1):
        off = _days_off(int(text), month, columns[month])
        for n in range(1, calendar.monthrange(int(text), month)[1] + 1):
            day = date(int(text), month, n)
            if (day.weekday() < _SATURDAY) == (n in off):
                kind = "off" if n in off else "working"
                found.append((day, kind, TITLES[off.get(n) or kind]))
    return found


def _days_off(year: int, month: int, text: str) -> dict[int, str]:
    """The days off that a month lists, each with its mark: `+` or none."""
    off: dict[int, str] = {}
    for listed in text.replace(" ", "").strip(",").split(","):
        match = _LISTED.fullmatch(listed)
        if not match or not 1 <= int(match[1]) <= calendar.monthrange(year, month)[1]:
            raise RowRefused(f"month {month} lists {listed[:20]!r}, which is no day of it")
        if match[2] != "*":
            off[int(match[1])] = match[2]
    if not off:
        raise RowRefused(f"month {month} lists no day off")
    return off


def _plain(path: Path, bad: list[BadLine], progress: Progress | None) -> Iterator[Row]:
    """Yield the days of a list that can be used; the others go to `bad`."""
    for number, row in PLAIN.read(path, bad, progress):
        try:
            yield number, *_day(row), words(row, "title")
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _day(row: Mapping[str, str]) -> tuple[date, str]:
    """Day and kind of a row."""
    text, kind = words(row, "day"), words(row, "kind").lower()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise RowRefused(f"the day is no ISO date such as 2027-01-31: {text[:40]!r}") from None
    if day.year not in YEARS:
        raise RowRefused(
            f"the day is not one of the years {YEARS[0]} to {YEARS[-1]}: {text[:40]!r}"
        )
    if kind not in KINDS:
        raise RowRefused(f"the kind is not {' or '.join(KINDS)}: {kind[:40]!r}")
    return day, kind
