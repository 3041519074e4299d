"""The Grafana dashboards can be imported, and what they ask runs with the rights of sms_monitor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outbox.cluster import ROOT

FOLDER = ROOT / "monitoring" / "grafana"
MONTH = (Path(__file__).parents[1] / "reports" / "month.sql").read_bytes()
FROM, TO = "2026-10-01T00:00:00Z", "2026-10-31T20:00:00Z"
EVERY = {"operations", "delivery", "money", "campaigns"}
DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
NUMBERS = {"int2", "int4", "int8", "float4", "float8", "numeric"}


@cache
def boards() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


def asked() -> Iterator[Any]:
    """Every panel that asks, and every variable."""
    for name, board in boards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield pytest.param(panel, target["rawSql"], id=f"{name}: {panel['title']}")


def plain(query: str) -> str:
    """The query as Grafana sends it: its macros and variables filled in."""
    query = re.sub(
        r"\$__timeFilter\(([\w.]+)\)", lambda m: f"{m[1]} between '{FROM}' and '{TO}'", query
    )
    query = query.replace("$__timeFrom()", f"'{FROM}'").replace("$__timeTo()", f"'{TO}'")
    query = query.replace("${channel:sqlstring}", "'single','mass','planned'")
    assert "$" not in query, query
    return query


@pytest.fixture(scope="module")
def filled(databases: Any) -> Iterator[str]:
    """The DSN of a database with a month of sums in it, a forecast and a goal."""
    with databases.copy() as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(MONTH)
        yield dsn


@pytest.fixture
def monitor(filled: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(filled, autocommit=True) as conn:
        conn.execute("set session authorization sms_monitor")
        conn.execute("set default_transaction_read_only = on")
        yield conn


@pytest.mark.parametrize(("panel", "query"), list(asked()))
def test_a_panel_gets_the_columns_it_needs(
    panel: dict[str, Any], query: str, monitor: psycopg.Connection
) -> None:
    cursor = monitor.execute(plain(query).encode())
    columns = {column.name: _type(column) for column in cursor.description or ()}
    rows = cursor.fetchall()
    named = {rule["matcher"]["options"] for rule in panel["fieldConfig"]["overrides"]}
    assert named <= set(columns), "a unit is set for a column that does not come"
    match panel["type"]:
        case "timeseries":
            assert columns["time"] == "timestamptz"
            assert set(columns.values()) & NUMBERS
            assert columns.get("metric", "text") == "text"
            times = [row[list(columns).index("time")] for row in rows]
            assert times == sorted(times)
            assert all(time >= datetime(2026, 10, 1, tzinfo=UTC) for time in times)
        case "stat":
            assert len(rows) == 1
            assert set(columns.values()) & NUMBERS
        case "barchart":
            assert "text" in columns.values()
            assert set(columns.values()) & NUMBERS
        case "table":
            assert len(columns) > 2
        case other:
            pytest.fail(f"nobody checks panels of type {other}")


def _type(column: psycopg.Column) -> str:
    found = psycopg.postgres.types.get(column.type_code)
    return found.name if found else str(column.type_code)


@pytest.mark.parametrize(
    ("board", "title"),
    [
        ("delivery", "Delivered share by provider"),
        ("delivery", "Time to delivery"),
        ("delivery", "By channel"),
        ("delivery", "By provider and operator"),
        ("delivery", "By day"),
        ("delivery", "Worst hours"),
        ("delivery", "Not sent, and why"),
        ("operations", "Messages by state"),
        ("money", "Expected cost by channel"),
        ("money", "This month against its plan"),
        ("money", "Months by provider"),
        ("money", "Forecast"),
    ],
)
def test_a_full_month_is_seen(board: str, title: str, monitor: psycopg.Connection) -> None:
    assert monitor.execute(query_of(board, title).encode()).fetchall()


def query_of(board: str, title: str) -> str:
    [panel] = [panel for panel in boards()[board]["panels"] if panel["title"] == title]
    return plain(panel["targets"][0]["rawSql"])


def test_the_table_by_channel_says_what_the_statistics_say(
    monitor: psycopg.Connection, filled: str
) -> None:
    shown = monitor.execute(query_of("delivery", "By channel").encode()).fetchall()
    told = monitor.execute(
        """
        select h.channel, sum(h.messages), sum(h.delivered)
          from sms.hourly_messages as h
         where h.hour between %s and %s
         group by h.channel
        """,
        [FROM, TO],
    ).fetchall()
    assert {(row[0], row[1], row[4]) for row in shown} == set(told)
    for _, _, _, _, _, share, p50, p95, p99 in shown:
        assert 0 < share < 1
        assert p50 <= p95 <= p99


def test_the_names_of_hours_are_those_of_the_sums(monitor: psycopg.Connection) -> None:
    totals = "sum(messages), sum(segments), sum(cost), sum(billed), sum(billed_messages)"
    named = monitor.execute(f"select {totals} from sms.hourly_messages".encode()).fetchone()  # noqa: S608
    plain_ones = monitor.execute(f"select {totals} from sms.stat_hour".encode()).fetchone()  # noqa: S608
    assert named == plain_ones
    assert named is not None
    assert named[0] > 0


def test_they_can_be_imported_anywhere() -> None:
    assert set(boards()) == EVERY
    for board in boards().values():
        assert board["schemaVersion"] >= 30
        assert "id" not in board
        [first, *others] = board["templating"]["list"]
        assert (first["type"], first["name"]) == ("datasource", "datasource")
        assert first["query"] == DATASOURCE["type"]
        for variable in others:
            assert variable["datasource"] == DATASOURCE
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in board["panels"]:
            if panel["type"] != "row":
                assert panel["datasource"] == DATASOURCE
                assert {json.dumps(t["datasource"]) for t in panel["targets"]} == {
                    json.dumps(DATASOURCE)
                }
                assert panel["description"]
        text = json.dumps(board)
        assert not re.search(r"https?://|localhost|\d+\.\d+\.\d+\.\d+", text)
    assert len({board["uid"] for board in boards().values()}) == len(EVERY)


def test_panels_do_not_lie_on_each_other() -> None:
    for board in boards().values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert max(x for x, _ in cells) < 24
            assert not cells & taken, panel["title"]
            taken |= cells


def test_variables_can_be_asked(monitor: psycopg.Connection) -> None:
    for board in boards().values():
        for variable in board["templating"]["list"][1:]:
            assert monitor.execute(variable["query"].encode()).fetchall()
