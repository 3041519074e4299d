"""The table on the screen, and the same in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.lab import Lab
from bench.sizes import Sizes
from bench.table import ROWS, Row
from outbox.cluster import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
IDLE = 0.5  # load average below which a machine is ours
LIBRARIES = ("psycopg", "pgqueuer", "procrastinate")


def as_text(lab: Lab) -> str:
    """The table for a terminal."""
    lines = [f"{row.what:84} {row.measured(lab.samples):32} {_verdict(row, lab)}" for row in ROWS]
    return "\n".join(line.rstrip() for line in lines)


def _verdict(row: Row, lab: Lab) -> str:
    target = row.target()
    return f"{target}: {row.judgement(lab.samples)}" if target else ""


def as_markdown(lab: Lab) -> str:
    """Where and when it was measured, and the table."""
    lines = [
        *_circumstances(lab),
        "",
        "| What | Measured, median [min..max] | Target | |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.what} | {row.measured(lab.samples)} | {row.target()} | "
        f"{row.judgement(lab.samples)} |"
        for row in ROWS
    ]
    return "\n".join(lines)


def write_page(lab: Lab, page: Path = PAGE) -> None:
    """Put the table where the page keeps it; the prose around it is written by people."""
    text = page.read_text(encoding="utf-8")
    found = re.search(f"{BEGIN}.*{END}", text, re.DOTALL)
    if found is None:
        raise RuntimeError(f"{page} has no place for the table: {BEGIN} … {END}")
    table = f"{BEGIN}\n{as_markdown(lab)}\n{END}"
    page.write_text(text[: found.start()] + table + text[found.end() :], encoding="utf-8")


def _circumstances(lab: Lab) -> list[str]:
    memory = psutil.virtual_memory().total / 2**30
    with lab.connect() as conn:
        row = conn.execute("select current_setting('server_version'), postgis_lib_version()")
        postgres, postgis = row.fetchone() or ("?", "?")
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()}; PostgreSQL {str(postgres).split()[0]}, "
        f"PostGIS {postgis}, Python {platform.python_version()}, {libraries}.",
        "",
        *_busy(lab.load),
        f"Sizes `{lab.sizes.name}`, rounds: {lab.rounds}; {describe(lab.sizes)}.",
    ]


def _busy(load: float) -> list[str]:
    """A warning where others used the machine: then speed says little, and CPU is inflated."""
    if load < IDLE:
        return []
    cores = os.cpu_count() or 1
    return [f"**Not an idle machine:** load {load:.1f} on {cores} cores before the run began.", ""]


def describe(sizes: Sizes) -> str:
    """The sizes in words."""
    return (
        f"contact log {sizes.contacts:,} rows before the first message, blacklist 1,000,000, "
        f"{sizes.clients:,} clients; pipeline {sizes.piped:,} messages, drain {sizes.drained:,}, "
        f"urgent beside {sizes.backlog:,}, claims at {sizes.shallow:,} and {sizes.deep:,}, "
        f"snapshot held over {sizes.pinned:,}, a campaign of {sizes.recipients:,}"
    )


def _processor() -> str:
    """The processor's name where Linux tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
