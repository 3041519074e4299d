"""Watch the plans of every statement of a session, nested ones too, by auto_explain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

MONTH = re.compile(r"_y\d{4}m\d{2}.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One visit to a table; months of a partitioned table count as the table."""

    node: str
    table: str
    index: str | None
    loops: int
    rows: float
    removed: float

    @property
    def is_whole(self) -> bool:
        """Whether it reads the table from end to end."""
        return self.node == "Seq Scan"


class Plans:
    """The scans of the statements since the last look, of a session that is being watched."""

    def __init__(self) -> None:
        self._plans: list[dict[str, Any]] = []

    @classmethod
    async def watch(cls, conn: AsyncConnection) -> Plans:
        """Begin to watch; skips the test where the server does not let us."""
        plans = cls()
        try:
            await conn.execute("load 'auto_explain'")
        except psycopg.Error as why:
            pytest.skip(f"auto_explain cannot be loaded: {why}")
        conn.add_notice_handler(plans._take)
        for setting, to in (
            ("log_min_duration", "0"),
            ("log_nested_statements", "on"),
            ("log_analyze", "on"),
            ("log_timing", "off"),
            ("log_format", "json"),
            ("log_level", "notice"),
        ):
            await conn.execute("select set_config('auto_explain.' || %s, %s, false)", [setting, to])
        plans._plans.clear()
        return plans

    def scans(self, *tables: str) -> list[Scan]:
        """The scans that ran on these tables (all when none is named), oldest first; forgotten."""
        found = [scan for plan in self._plans for scan in _walk(plan["Plan"]) if scan.loops]
        self._plans.clear()
        return [scan for scan in found if not tables or scan.table in tables]

    def _take(self, notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if "plan:" in text:
            self._plans.append(json.loads(text[text.index("{") :]))


def _walk(node: dict[str, Any]) -> Iterator[Scan]:
    if "Relation Name" in node or "Index Name" in node:
        index = node.get("Index Name")
        yield Scan(
            node=node["Node Type"],
            table=MONTH.sub("", str(node.get("Relation Name", index))),
            index=index and MONTH.sub("", index),
            loops=node["Actual Loops"],
            rows=node["Actual Rows"] * node["Actual Loops"],
            removed=node.get("Rows Removed by Filter", 0) * node["Actual Loops"],
        )
    for child in node.get("Plans", ()):
        yield from _walk(child)
