"""`outbox forecast` as people call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg


def outbox(dsn: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, "OUTBOX_DSN": dsn},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def total(lines: Sequence[dict[str, object]], scenario: str) -> float:
    return sum(float(str(line["cost"])) for line in lines if line["scenario"] == scenario)


def test_the_forecast_tells_volume_money_scenarios_and_its_own_error(
    history: str, tmp_path: Path
) -> None:
    picture = tmp_path / "forecast.svg"
    done = outbox(history, "forecast", "--months", "2", "--chart", str(picture), "--save", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    lines = told["lines"]
    assert {line["channel"] for line in lines} == {"single", "mass"}
    for line in lines:
        assert line["low"] <= line["messages"] <= line["high"]
        assert abs(line["segments"] / line["messages"] - 2) < 0.01
    as_now = total(lines, "as now")
    assert total(lines, "all cheap") < as_now < total(lines, "all dear")
    # Urgent is what goes the dear way now already.
    assert abs(total(lines, "urgent dear, rest cheap") - as_now) < 1
    assert all(month["error"] < 0.1 for months in told["tried"].values() for month in months)
    assert "<svg" in picture.read_text()
    with psycopg.connect(history) as conn:
        [(kept,)] = conn.execute("select count(*) from sms.latest_forecast").fetchall()
    assert kept == len(lines)


def test_the_forecast_is_read_by_people(history: str) -> None:
    done = outbox(history, "forecast", "--months", "1")
    assert done.returncode == 0, done.stderr
    assert "As messages go now" in done.stdout
    assert "urgent dear, rest cheap" in done.stdout
    assert "naive" in done.stdout
    assert "regression on the calendar over 730 days" in done.stdout


def test_what_has_no_tariff_is_said(history: str) -> None:
    with psycopg.connect(history) as conn:
        conn.execute("delete from sms.tariff")
    done = outbox(history, "forecast", "--months", "1")
    assert done.returncode == 0
    assert "no tariff" in done.stdout


def test_an_empty_database_and_a_wrong_file_are_one_sentence(dsn: str, history: str) -> None:
    wrong = outbox(history, "forecast", "--chart", "forecast.exe")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    nowhere = outbox(history, "forecast", "--chart", "/nowhere/x.svg")
    assert "cannot be written" in nowhere.stderr
    with psycopg.connect(dsn) as conn:
        conn.execute("delete from sms.stat_day")
    empty = outbox(dsn, "forecast")
    assert empty.returncode != 0
    assert "Nothing was sent yet" in empty.stderr
