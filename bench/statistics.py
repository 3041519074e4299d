"""What statistics cost: counting an hour, and asking a year of sums."""

from __future__ import annotations

import statistics
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg

from bench.lab import Lab

DAY: LiteralString = """
    select (date_trunc('month', now() at time zone 'Europe/Moscow')
            + interval '1 month 2 days')::date
"""
FIRST_HOUR: LiteralString = """
    select sms.stat_hour_no(sms.id_at(%s::date::timestamp at time zone 'Europe/Moscow'))
"""
# A year of that day; each day its own size, so that no two are alike.
YEAR: LiteralString = """
    insert into sms.stat_day
    select s.day - n, s.channel_id, s.provider_id, s.operator_id, s.state, s.reason, s.campaign_id,
           s.template_id, s.messages + n %% 7, s.segments + n %% 7, s.cost, s.delivery, s.billed,
           s.billed_messages, s.billed_expected
      from sms.stat_day as s
     cross join generate_series(1, 364) as n
     where s.day = %s
"""
# As the chore does with months that are over; the last eleven of the year, its last days and its
# first are read day by day.
MONTHS: LiteralString = """
    select sms.count_month(m.month::date)
      from generate_series(date_trunc('month', now()) - interval '10 months',
                           date_trunc('month', now()), interval '1 month') as m (month)
"""
QUESTIONS = {
    "channel": "{channel}",
    "provider": "{month,provider}",
    "operator": "{operator,state}",
}
LOOKS = 5  # at each question, of which the median is taken


def count_and_ask(lab: Lab) -> None:
    """CPU of counting an hour of 12,500 messages and one of a million; then a year's sums."""
    with lab.connect() as conn:
        if "statistics.rows" not in lab.samples:
            conn.execute(Path(__file__).with_suffix(".sql").read_bytes())
        day: date = _one(conn, DAY)
        first: int = _one(conn, FIRST_HOUR, day)
        lab.note("statistics.hour_ms", _count(conn, first, first + 23) / 24)
        million: int = _one(conn, FIRST_HOUR, day + timedelta(days=3))
        lab.note("statistics.million_ms", _count(conn, million, million))
        if "statistics.rows" not in lab.samples:
            _one(conn, "select sms.count_day(%s)", day)
            conn.execute(YEAR, (day,))
            conn.execute(MONTHS)
            conn.execute("vacuum analyze sms.stat_day, sms.stat_month")
        lab.note("statistics.rows", _one(conn, "select count(*) from sms.stat_day"))
        lab.note("statistics.bytes", _one(conn, "select pg_total_relation_size('sms.stat_day')"))
        for name, by in QUESTIONS.items():
            lab.note(f"statistics.{name}_ms", _ask(conn, day, by))


def _count(conn: psycopg.Connection, first: int, last: int) -> float:
    """CPU ms of counting these hours."""
    process = psutil.Process(conn.info.backend_pid)
    before = sum(process.cpu_times()[:2])
    _one(
        conn,
        "select count(*) from (select sms.count_hour(h) from generate_series(%s::int, %s) as h"
        " offset 0) as k",
        first,
        last,
    )
    return (sum(process.cpu_times()[:2]) - before) * 1e3


def _ask(conn: psycopg.Connection, day: date, by: str) -> float:
    """Median ms of one question about the year."""
    taken = []
    for _ in range(LOOKS):
        start = time.perf_counter()
        conn.execute(
            "select * from sms.statistics(%s, %s, %s)",
            (day - timedelta(days=364), day + timedelta(days=1), by),
        ).fetchall()
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken)


def _one(conn: psycopg.Connection, query: LiteralString, *values: object) -> Any:
    row = conn.execute(query, values).fetchone()
    assert row is not None
    return row[0]
