"""Run the tests that know time as if it were another day: `make test-calendar`.

    python -m tests.support.moved_clock              two of the dates below, drawn by the day
    python -m tests.support.moved_clock --all        all of them, one after the other
    python -m tests.support.moved_clock --at '2028-02-29 11:00' tests/sql -k claim

libfaketime moves what every program below asks for: Python, the server of the tests, the commands
that tests start. All of them add one and the same offset, so the clock goes on and they agree.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from outbox.cluster import ROOT

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1")
# `poll`, `select`, `sleep` and `nanosleep` are stored as the ends of these.
WAITS = (b"epoll_wait", b"epoll_pwait", b"ppoll", b"pselect", b"clock_nanosleep", b"usleep")
DRAWN = 2
BERLIN = ZoneInfo("Europe/Berlin")
MOSCOW = ZoneInfo("Europe/Moscow")
TWO_MINUTES = timedelta(minutes=2)

# Every test knows time unless its folder or file stands here; a new one does, too.
DO_NOT_KNOW_TIME = {
    "chaos": "kills and freezes processes; what it counts is messages, on any day",
    "docs/test_commands.py": "commands as pages show them, each a program; their SQL is in others",
    "geo": "places and names of places",
    "monitoring/test_prometheus.py": "Prometheus, a program in Go that libfaketime does not reach",
    "peers": "servers that tests talk to; no tests",
    "planning/test_forecast.py": "series with days of their own; minutes of arithmetic",
    "providers": "protocols over sockets, against peers that need not share the clock",
    "schema": "names, rights and types of what is in the database",
    "security/test_audit.py": "lists of known holes",
    "security/test_break_out.py": "what a text of an analyst calls",
    "security/test_break_out_roles.py": "who may create, alter and grant",
    "security/test_break_out_session.py": "what a text leaves behind in a session",
    "security/test_csv.py": "cells of files",
    "security/test_doors.py": "sockets; waits are not moved",
    "security/test_doors_http.py": "sockets; waits are not moved",
    "security/test_escapes.py": "what a text of an analyst calls",
    "security/test_masks.py": "numbers in texts",
    "security/test_proxy.py": "nginx, a program that need not share the clock",
    "security/test_secrets.py": "names of variables and hosts",
    "security/test_terminal.py": "characters that a terminal obeys",
    "security/test_unpacking.py": "archives and long lines",
    "set_up": "packages, clusters and fixtures",
    "smpp": "a protocol over sockets, against peers that need not share the clock",
    "streams": "throughput of three streams at once, through Kannel",
    "support": "what tests are made of; no tests",
    "unit": "numbers, texts and settings",
}
# Kannel, killed processes and browsers need not run under a moved clock.
UNMARKED = "not kannel and not chaos"


def next_where(fits: Callable[[datetime], bool], hour: int, minute: int, zone: object) -> datetime:
    """The next day that fits, at this time of a zone, in UTC."""
    today = datetime.now(zone)  # type: ignore[arg-type]
    at = today.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
    for days in count(1):
        if fits(day := at + timedelta(days=days)):
            return day.replace(tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type]
    raise AssertionError


def clock_change(*, forward: bool) -> datetime:
    """Two minutes before the clocks of Berlin are next put forward, or back."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    while True:
        hour += timedelta(hours=1)
        before, after = (
            (hour + step).astimezone(BERLIN).utcoffset() for step in (-TWO_MINUTES, timedelta())
        )
        assert before is not None
        assert after is not None
        if (after > before) if forward else (after < before):
            return hour - TWO_MINUTES


def dates() -> dict[str, datetime]:
    """The moments at which what looks over an edge falls; always ahead of today."""
    return {
        "first-of-month": next_where(lambda d: (d.month, d.day) == (3, 1), 0, 5, UTC),
        "last-of-month": next_where(lambda d: (d.month, d.day) == (1, 31), 23, 55, UTC),
        "leap-day": next_where(lambda d: (d.month, d.day) == (2, 29), 11, 0, UTC),
        "new-year-utc": next_where(lambda d: (d.month, d.day) == (12, 31), 23, 58, UTC),
        "new-year-moscow": next_where(lambda d: (d.month, d.day) == (12, 31), 23, 58, MOSCOW),
        "clocks-forward": clock_change(forward=True),
        "clocks-back": clock_change(forward=False),
        "friday-28th": next_where(lambda d: (d.weekday(), d.day) == (4, 28), 12, 0, UTC),
    }


def library() -> Path:
    """The path of libfaketime; one sentence where it is missing."""
    for pattern in LIBRARIES:
        for found in Path("/").glob(pattern.lstrip("/")):
            return found
    sys.exit("libfaketime is not installed; install it with: sudo apt-get install -y faketime")


@contextmanager
def without_waits() -> Iterator[Path]:
    """A copy of libfaketime that leaves waiting alone.

    Within its own `epoll_wait` a signal handler sees the true time, so that a timeout of
    PostgreSQL that rings there is held to be early and never comes; its `clock_nanosleep` moves
    moments of a clock that is not moved, and Python's `time.sleep` fails. Waits need no moving:
    with their names spoilt in the table of symbols, callers get those of libc.
    """
    code = library().read_bytes()
    for name in WAITS:
        code = code.replace(b"\0" + name + b"\0", b"\0" + name.swapcase() + b"\0")
    with TemporaryDirectory(prefix="clock-") as place:
        Path(place).chmod(0o755)  # PostgreSQL may run as another user
        copy = Path(place) / "libfaketime.so.1"
        copy.write_bytes(code)
        yield copy


def environment(moment: datetime, library: Path) -> dict[str, str]:
    """What makes this moment now, for a program and all that it starts."""
    offset = round((moment - datetime.now(UTC)).total_seconds())
    kept = {name: text for name, text in os.environ.items() if name != "OUTBOX_TEST_DSN"}
    return {
        **kept,
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{offset:+}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # pauses and time limits are as long as ever
        "NO_FAKE_STAT": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def selection() -> list[str]:
    """What tells pytest to leave out the tests that do not know time."""
    return ["tests", *(f"--ignore=tests/{path}" for path in DO_NOT_KNOW_TIME), "-m", UNMARKED]


def run_at(name: str, moment: datetime, arguments: Sequence[str]) -> bool:
    """Run the tests from this moment on; whether they all passed."""
    print(f"\n== {name}: {moment:%A %Y-%m-%d %H:%M} UTC", flush=True)
    chosen = arguments or [*selection(), "-n", "2", "--dist", "loadfile", "-q"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen]
    with without_waits() as library:
        done = subprocess.run(command, cwd=ROOT, env=environment(moment, library), check=False)
    return done.returncode == 0


def chosen_dates(*, everything: bool, at: str) -> Iterator[tuple[str, datetime]]:
    """The named moment, all dates, or two that the day draws."""
    if at:
        yield "as asked", datetime.fromisoformat(at).replace(tzinfo=UTC)
        return
    known = dates()
    drawn = random.Random(datetime.now(UTC).date().isoformat()).sample(sorted(known), DRAWN)
    for name in known if everything else drawn:
        yield name, known[name]


def main() -> None:
    parser = argparse.ArgumentParser(description="Tests under a moved clock.")
    parser.add_argument("--all", action="store_true", help="all dates, not two of them")
    parser.add_argument("--at", default="", help="one moment, UTC, like '2028-02-29 11:00'")
    known, arguments = parser.parse_known_args()
    chosen = list(chosen_dates(everything=known.all, at=known.at))
    red = [
        f"{name} ({at:%Y-%m-%d %H:%M})" for name, at in chosen if not run_at(name, at, arguments)
    ]
    print(f"\n{len(chosen) - len(red)} of {len(chosen)} dates are green", *red, sep="; red: ")
    sys.exit(bool(red))


if __name__ == "__main__":
    main()
