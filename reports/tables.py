"""The month's figures as CSV files, one a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from reports.month import Month

TABLES = ("by_day", "by_channel", "by_provider", "by_reason", "hours", "worst", "money", "effect")

# What a spreadsheet takes for the begin of a formula; where it parts columns by semicolons, or does
# not heed quotes, a cell may also begin in the middle of a text.
_FORMULA = re.compile(r"(^|[;,|\t\r\n])([\s\"'\u200b\u2060\ufeff]*)(?=[=+\-@＝＋－＠﹢﹣﹦﹫−])")


def write_tables(month: Month, folder: Path) -> list[Path]:
    """Write one CSV a table into a folder, which is made; tables without rows are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in TABLES:
        rows: Sequence[Any] = getattr(month, name)
        if not rows:
            continue
        path = folder / f"{month.start:%Y-%m}-{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in fields(rows[0])])
            writer.writerows([cell(value) for value in astuple(row)] for row in rows)
        written.append(path)
    return written


def cell(value: object) -> object:
    """A value as it may stand in a CSV: a text that a spreadsheet would run gets a ' before it.

    Numbers, times and dates stay as they are, negative ones too: nobody typed them.
    """
    if not isinstance(value, str):
        return value
    safe = _FORMULA.sub(r"\1\2'", value)
    return f"'{safe}" if value[:1] in ("\t", "\r", "\n") else safe
