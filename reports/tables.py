"""The month's figures as CSV files, one a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from reports.month import Month

TABLES = ("by_day", "by_channel", "by_provider", "by_reason", "hours", "worst", "money", "effect")


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
            writer.writerows(astuple(row) for row in rows)
        written.append(path)
    return written
