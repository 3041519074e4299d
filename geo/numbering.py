"""The mobile numbering plan: the official DEF-9xx.csv into sms.number_range.

The file is UTF-8 with a BOM, `;` between fields, no quoting (quotes are part of the names), one
header line. The column "Территория ГАР" tells the subject of the federation; the older "Регион" is
spelled in too many ways to be trusted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from imports.load import (
    STAGE_NUMBERING,
    BadLine,
    ImportRefused,
    ImportReport,
    Progress,
    RowRefused,
    copy_rows,
    read_lines,
    refuse_so_many,
)

# Lines that cannot be read are left out and reported; a file with more of them than one in a
# hundred is another kind of file, or a damaged one.
MOST_BAD = 0.01
MOST_RANGES = 1_000_000  # the registry has ten thousand; all of them are held to be compared
COLUMNS = ("От", "До", "Емкость", "Оператор", "Территория ГАР", "ИНН")
_CODE = re.compile(r"9[0-9]{2}")
_SUBSCRIBER = re.compile(r"[0-9]{7}")
_TAX_ID = re.compile(r"(?:[0-9]{10}(?:[0-9]{2})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A run of numbers that one operator holds in one region; both ends belong to it."""

    line: int
    lo: int
    hi: int
    operator_title: str
    region: str
    inn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberingReport(ImportReport):
    """`kept` counts ranges; `changed` and everything below count telephone numbers.

    `changed` = added + removed + those with another operator or zone.
    """

    numbers: int
    added: int
    removed: int
    changed_operator: int
    changed_zone: int
    unchanged: int
    unknown_regions: list[str]


async def import_numbering(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> NumberingReport:
    """Replace the numbering plan by a DEF-9xx.csv, plain or gzipped, and tell what that changes.

    All or nothing: raises ImportRefused when the file is not such a file, holds overlapping ranges
    or more than 1 % bad lines.
    """
    bad: list[BadLine] = []
    ranges = read_numbering(path, bad, progress)
    async with conn.transaction():
        # Keeps other imports out until this one is done.
        await conn.execute("truncate sms.number_range_staging")
        await copy_rows(
            conn,
            STAGE_NUMBERING,
            ((r.lo, r.hi, r.operator_title, r.region, r.inn, r.line) for r in ranges),
        )
        async with conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(
                """
                select ranges, numbers, added, removed, changed_operator, changed_zone, unchanged,
                       unknown_regions
                  from sms.replace_numbering()
                """
            )
            [counts] = await cursor.fetchall()
    return _report(counts, bad)


def read_numbering(path: Path, bad: list[BadLine], progress: Progress | None = None) -> list[Range]:
    """Read and check a DEF-9xx.csv, sorted by number; lines left out are added to `bad`.

    Raises ImportRefused when the file as a whole cannot be trusted.
    """
    lines = read_lines(path, progress)
    _, header = next(lines)
    places = _places(path, header)
    ranges: list[Range] = []
    read = 0
    for number, line in lines:
        if line == "":
            continue
        read += 1
        refuse_so_many(path, bad)
        if len(ranges) >= MOST_RANGES:
            raise ImportRefused(f"{path.name} is refused, it has more than {MOST_RANGES:,} ranges.")
        try:
            ranges.append(_range(number, line, places))
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))
    if not ranges or len(bad) > read * MOST_BAD:
        first = f"; line {bad[0].line}: {bad[0].reason}" if bad else ""
        raise ImportRefused(
            f"{path.name} is refused, {len(bad)} of {read} lines cannot be used{first}."
        )
    ranges.sort(key=lambda r: r.lo)
    _refuse_overlaps(path, ranges)
    return ranges


def _places(path: Path, header: str | None) -> Sequence[int]:
    """Find the columns by name; the first one, the code, is spelled in Cyrillic and ends in DEF."""
    names = [name.strip().replace("Ё", "Е").replace("ё", "е") for name in (header or "").split(";")]
    folded = [name.lower() for name in names]
    if not names[0].endswith("DEF") or not {"от", "до"} <= set(folded):
        raise ImportRefused(
            f"{path.name} is no numbering file: its first line should begin with "
            '"АВС/ DEF;От;До;Емкость;Оператор".'
        )
    if missing := [name for name in COLUMNS if name.lower() not in folded]:
        raise ImportRefused(
            f"{path.name} lacks the column {missing[0]}: it is of the older layout; "
            "take the current DEF-9xx.csv of the registry, which has 8 columns."
        )
    return [len(names), *(folded.index(name.lower()) for name in COLUMNS)]


def _range(number: int, line: str | None, places: Sequence[int]) -> Range:
    """Read one line; RowRefused says what is wrong with it."""
    if line is None:
        raise RowRefused("not UTF-8")
    expected, *columns = places
    fields = [field.strip() for field in line.split(";")]
    if len(fields) != expected:
        raise RowRefused(f"{len(fields)} fields instead of {expected}")
    code = fields[0]
    lo, hi, capacity, title, region, inn = (fields[place] for place in columns)
    if not _CODE.fullmatch(code):
        raise RowRefused(f"code {code[:20]!r} is not a mobile code, 900 to 999")
    if not (_SUBSCRIBER.fullmatch(lo) and _SUBSCRIBER.fullmatch(hi)):
        raise RowRefused(f"the range {lo[:20]!r} to {hi[:20]!r} is not of 7 digits each")
    if hi < lo:
        raise RowRefused(f"the range ends before it begins: {lo} to {hi}")
    if capacity != str(int(hi) - int(lo) + 1):
        raise RowRefused(f"the capacity is {capacity[:20]}, but {lo} to {hi} holds another number")
    if not region:
        raise RowRefused("the region is empty")
    if not _TAX_ID.fullmatch(inn):
        raise RowRefused(f"the tax id {inn[:20]!r} is not of 10 or 12 digits")
    if "\0" in line:
        raise RowRefused("it holds a NUL character")
    first = 70_000_000_000 + int(code) * 10_000_000
    return Range(
        line=number,
        lo=first + int(lo),
        hi=first + int(hi),
        operator_title=title,
        region=region,
        inn=inn,
    )


def _refuse_overlaps(path: Path, ranges: Iterable[Range]) -> None:
    """Refuse a file in which a number lies in two ranges: nothing tells which of them is right."""
    reaching: Range | None = None
    for r in ranges:
        if reaching and r.lo <= reaching.hi:
            raise ImportRefused(
                f"{path.name} is refused, the ranges of lines {min(reaching.line, r.line)} "
                f"and {max(reaching.line, r.line)} overlap."
            )
        reaching = r


def _report(counts: dict[str, Any], bad: list[BadLine]) -> NumberingReport:
    """Word the answer of sms.replace_numbering."""
    same = counts["unchanged"]
    return NumberingReport(
        kept=counts.pop("ranges"),
        changed=counts["numbers"] + counts["removed"] - same,
        bad=bad,
        **counts,
    )
