"""The moved clock: its dates are what they are called, and what leaves tests out exists."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outbox.cluster import ROOT
from tests.support import moved_clock
from tests.support.moved_clock import BERLIN, DO_NOT_KNOW_TIME, MOSCOW, dates

NOW = datetime.now(UTC)


def test_each_date_is_what_it_is_called_and_ahead_of_us() -> None:
    known = dates()
    assert all(moment > NOW for moment in known.values())
    assert f"{known['first-of-month']:%d %H:%M}" == "01 00:05"
    assert (known["last-of-month"] + timedelta(minutes=5)).day == 1
    assert f"{known['leap-day']:%m-%d}" == "02-29"
    assert f"{known['new-year-utc']:%m-%d %H:%M}" == "12-31 23:58"
    assert f"{known['new-year-moscow'].astimezone(MOSCOW):%m-%d %H:%M}" == "12-31 23:58"
    assert f"{known['friday-28th']:%A %d}" == "Friday 28"


@pytest.mark.parametrize(("name", "hours"), [("clocks-forward", 1), ("clocks-back", -1)])
def test_the_clocks_of_berlin_change_within_the_run(name: str, hours: int) -> None:
    before = dates()[name]
    after = before + timedelta(minutes=5)
    offsets = [moment.astimezone(BERLIN).utcoffset() for moment in (before, after)]
    assert offsets[1] == (offsets[0] or timedelta()) + timedelta(hours=hours)


def test_what_does_not_know_time_is_there() -> None:
    assert [path for path in DO_NOT_KNOW_TIME if not (ROOT / "tests" / path).exists()] == []


def test_the_day_draws_two_dates_and_keeps_to_them() -> None:
    drawn = list(moved_clock.chosen_dates(everything=False, at=""))
    assert len(drawn) == len({name for name, _ in drawn}) == 2
    assert [name for name, _ in moved_clock.chosen_dates(everything=False, at="")] == [
        name for name, _ in drawn
    ]


def test_a_program_and_those_it_starts_have_the_moved_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not any(any(Path("/").glob(place.lstrip("/"))) for place in moved_clock.LIBRARIES):
        pytest.skip("libfaketime is not installed")
    monkeypatch.setenv("OUTBOX_TEST_DSN", "postgresql://somewhere/else")
    moment = datetime(2028, 2, 29, 11, tzinfo=UTC)
    code = "import os; os.system('date -u +%F'); print('OUTBOX_TEST_DSN' in os.environ, flush=True)"
    with moved_clock.without_waits() as library:
        said = subprocess.run(
            [sys.executable, "-c", code],
            env=moved_clock.environment(moment, library),
            capture_output=True,
            text=True,
            check=True,
        )
    assert said.stdout.split() == ["2028-02-29", "False"]
