"""What all imports share: reading files line by line, COPY into the database, and the report."""

import csv
import gzip
import io
import os
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, LiteralString

from psycopg import AsyncConnection, sql
from psycopg.abc import QueryNoTemplate as Query

from outbox.errors import NothingImported
from outbox.files import open_file

# Called with the bytes read so far and the bytes of the file.
Progress = Callable[[int, int], None]
REPORT_EVERY = 5_000

# What an import may cost: memory holds one line and the bad ones, whatever the file is.
LONGEST_LINE = 65_536  # bytes; a value has at most 200 characters, so these are 80 columns at least
MOST_BAD = 100_000  # nobody reads more of them; each is kept until the end
# Lists pack 3 to 20 times; 1032 is the most that gzip can do, and what a bomb does.
MOST_RATIO, RATIO_FROM = 200, 16 << 20
MOST_UNPACKED = 4 << 30  # bytes: some fifty million clients

STAGE_NUMBERING = """
    copy sms.number_range_staging (lo, hi, operator_title, region, inn, line_no) from stdin
"""
STAGE_STATIONS = "copy staged_station (line_no, city, line, name, lat, lon) from stdin"
STAGE_CLIENTS = """
    copy staged_client (line_no, client_id, lat, lon, city, phone, time_zone, attributes, zone)
    from stdin
"""
STAGE_BLACKLIST = """
    copy staged_blacklist (line_no, phone, prefix, recipient_group, category, channel, reason,
                           source, expires_at)
    from stdin
"""
STAGE_HOLIDAYS = "copy staged_holiday (line_no, day, kind, title) from stdin"

_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]+)?")


class ImportRefused(NothingImported):
    """The file as a whole cannot be used; nothing was changed. The text is one sentence."""


class RowRefused(ValueError):
    """One row cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that was not taken, counted from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did: rows the database now holds from it, how many of them are new or
    different, and the lines that were not taken."""

    kept: int
    changed: int
    bad: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns a file must and may have, and those of which it must have at least one;
    `aliases` maps other spellings to them."""

    required: Sequence[str] = ()
    one_of: Sequence[str] = ()
    optional: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def read(
        self, path: Path, bad: list[BadLine], progress: Progress | None
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, values by column) of a CSV file with `,` or `;`; bad lines go to `bad`.

        Each line is a row of its own, so that one stray quote cannot swallow those after it.
        """
        lines = read_lines(path, progress)
        _, header = next(lines)
        if header is None:
            raise ImportRefused(f"{path.name} is not UTF-8.")
        delimiter = ";" if header.count(";") > header.count(",") else ","
        names = [self._column(name) for name in header.split(delimiter)]
        if missing := [name for name in self.required if name not in names]:
            raise ImportRefused(
                f"{path.name}: the header lacks {', '.join(missing)}; "
                f"expected {','.join([*self.required, *self.optional])}."
            )
        if self.one_of and not set(self.one_of) & set(names):
            raise ImportRefused(
                f"{path.name}: the header lacks {' or '.join(self.one_of)}; "
                f"it may also have {', '.join(self.optional)}."
            )
        known = [n for n in names if n in {*self.required, *self.one_of, *self.optional}]
        if twice := [name for name in dict.fromkeys(known) if known.count(name) > 1]:
            raise ImportRefused(f"{path.name}: the header names {', '.join(twice)} more than once.")
        for number, line in lines:
            if line is not None and not line.strip():
                continue
            refuse_so_many(path, bad)
            try:
                yield number, dict(zip(names, _fields(line, delimiter, len(names)), strict=True))
            except RowRefused as refusal:
                bad.append(BadLine(line=number, reason=str(refusal)))

    def _column(self, name: str) -> str:
        """Fold a column's name in the header."""
        folded = name.strip().strip('"').lower()
        return self.aliases.get(folded, folded)


def read_lines(path: Path, progress: Progress | None = None) -> Iterator[tuple[int, str | None]]:
    """Yield (line number, line without its end) of a UTF-8 file, plain or gzipped, BOM dropped.

    A line that is not UTF-8 comes as None. Raises ImportRefused where the file cannot be read, or
    is one that would fill memory or disk: see LONGEST_LINE and what stands beside it.
    """
    try:
        with open_file(path) as raw:
            number, total = 0, os.fstat(raw.fileno()).st_size
            lines = _unpacked(path, raw) if path.suffix == ".gz" else _cut(path, raw)
            for number, line in enumerate(lines, 1):
                if progress and number % REPORT_EVERY == 0:
                    progress(raw.tell(), total)
                yield number, _decoded(line.removeprefix(BOM_UTF8) if number == 1 else line)
            if number == 0:
                raise ImportRefused(f"{path.name} is empty.")
    except (OSError, EOFError, zlib.error) as error:
        raise ImportRefused(f"{path} cannot be read: {_cause(error)}.") from error
    if progress:
        progress(total, total)


def refuse_so_many(path: Path, bad: Sequence[BadLine]) -> None:
    """Give a file up of which next to nothing can be used."""
    if len(bad) > MOST_BAD:
        raise ImportRefused(
            f"{path.name} is refused, more than {MOST_BAD:,} lines cannot be used; "
            f"line {bad[0].line}: {bad[0].reason}."
        )


def degrees(text: str, name: str, limit: int) -> float:
    """Read a coordinate in degrees; a decimal comma is as good as a point."""
    plain = text.strip().replace(",", ".")
    if not _DEGREES.fullmatch(plain):
        raise RowRefused(f"{name} is not a number: {text[:40]!r}")
    value = float(plain)
    if abs(value) > limit:
        raise RowRefused(f"{name} is outside -{limit}..{limit}: {plain}")
    return value


def point(row: Mapping[str, str]) -> tuple[float, float]:
    """Read lat and lon of a row; 0, 0 is what geocoders answer when they know nothing."""
    lat, lon = degrees(row["lat"], "lat", 90), degrees(row["lon"], "lon", 180)
    if lat == 0 and lon == 0:
        raise RowRefused("lat and lon are both 0, which is no address")
    return lat, lon


def words(row: Mapping[str, str], name: str, limit: int = 200) -> str:
    """Read a short text of a row."""
    text = " ".join(row.get(name, "").split())
    if len(text) > limit:
        raise RowRefused(f"{name} is longer than {limit} characters")
    if "\0" in text:
        raise RowRefused(f"{name} holds a NUL character")
    return text


async def copy_rows(
    conn: AsyncConnection, statement: Query, rows: Iterable[Sequence[object]]
) -> None:
    """Stream rows into a table by COPY."""
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)


async def superseded(conn: AsyncConnection, path: Path, query: LiteralString) -> list[BadLine]:
    """Report lines whose row comes again further down; `query` gives (line, the later line)."""
    bounded = sql.SQL("{} limit {}").format(sql.SQL(query), MOST_BAD + 1)
    bad = [
        BadLine(line=line, reason=f"line {later} tells about the same again")
        for line, later in await (await conn.execute(bounded)).fetchall()
    ]
    refuse_so_many(path, bad)
    return bad


def _unpacked(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """The lines of a gzipped file, as long as it looks like a list and not like a bomb."""
    read = 0
    for line in _cut(path, io.BufferedReader(gzip.GzipFile(fileobj=raw))):
        read += len(line)
        if read > RATIO_FROM and read > raw.tell() * MOST_RATIO:
            raise ImportRefused(
                f"{path.name} unpacks to more than {MOST_RATIO} times its size; "
                "unpack it and look what it is."
            )
        if read > MOST_UNPACKED:
            raise ImportRefused(
                f"{path.name} unpacks to more than {MOST_UNPACKED:,} bytes; split it."
            )
        yield line


def _cut(path: Path, file: io.BufferedIOBase | BinaryIO) -> Iterator[bytes]:
    """The lines of a file, none of them longer than memory should hold."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise ImportRefused(
                f"{path.name} is refused, line {number} is longer than {LONGEST_LINE:,} bytes."
            )
        yield line


def _decoded(line: bytes) -> str | None:
    """Decode one line without its end."""
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return None


def _fields(line: str | None, delimiter: str, expected: int) -> list[str]:
    """Split one line, heeding quotes only where there are any."""
    if line is None:
        raise RowRefused("not UTF-8")
    try:
        values = (
            next(csv.reader([line], delimiter=delimiter, strict=True))
            if '"' in line
            else line.split(delimiter)
        )
    except csv.Error as error:
        raise RowRefused(f"broken quotes: {error}") from error
    if len(values) != expected:
        raise RowRefused(f"{len(values)} fields instead of {expected}")
    return values


def _cause(error: OSError | EOFError | zlib.error) -> str:
    """Say in words what the system said."""
    return (getattr(error, "strerror", None) or str(error)).lower()
