"""What judging costs with every rule on, and that large tables leave it as it is.

Two databases hold the same messages of the same people. Around them one has little else; the
other a million blacklisted numbers, ten thousand blacklisted groups and a year of contacts.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg

from bench.lab import Lab
from migrations import migrate

LARGE, SMALL = "judging_large", "judging_small"
PASSES = 3  # over all batches, alternating between the databases
PRETENDED = 100_000_000  # contacts that the planner is told of
FOLDER = Path(__file__).parent


def make_judging(lab: Lab) -> None:
    """Both databases: the small one is a copy from before the other grows."""
    with lab.connect() as conn:
        conn.execute("create database judging_large")
    migrate(_dsn(lab, LARGE))
    with psycopg.connect(_dsn(lab, LARGE), autocommit=True) as conn:
        # The audit of a million rows that nobody asks about would take longer than they do.
        conn.execute("alter table sms.blacklist disable trigger audit_insert")
        conn.execute((FOLDER / "data.sql").read_bytes())
        conn.execute((FOLDER / "judging.sql").read_bytes())
    with lab.connect() as conn:
        conn.execute("create database judging_small template judging_large")
    with psycopg.connect(_dsn(lab, SMALL), autocommit=True) as conn:
        conn.execute("select bench.shrink()")
        conn.execute("vacuum analyze")
    with psycopg.connect(_dsn(lab, LARGE), autocommit=True) as conn:
        conn.execute("select bench.grow(%s)", (lab.sizes.contacts,))
        conn.execute("vacuum analyze")
        # Autovacuum leaves these numbers alone: nothing is written here any more.
        conn.execute("select bench.pretend(%s)", (PRETENDED,))


def judge_batches(lab: Lab) -> None:
    """CPU of the back end a message, beside small tables and beside large ones."""
    with ExitStack() as stack:
        small, large = (
            stack.enter_context(psycopg.connect(_dsn(lab, name), autocommit=True))
            for name in (SMALL, LARGE)
        )
        sent = [_judge_all(conn, judges=True)[1] for conn in (small, large)]  # plans, caches
        if sent[0] != sent[1]:
            raise RuntimeError(f"verdicts differ: {sent[0]} and {sent[1]} messages may go")
        costs = [(_cost(small), _cost(large)) for _ in range(PASSES)]
    lab.note("judging.small_us", statistics.median(cost[0] for cost in costs))
    lab.note("judging.us", statistics.median(cost[1] for cost in costs))
    lab.note("judging.ratio", statistics.median(large / small for small, large in costs))


def _cost(conn: psycopg.Connection) -> float:
    """CPU µs a message of one pass, less what fetching the batches costs."""
    calling, messages = _judge_all(conn, judges=False)
    judging, _ = _judge_all(conn, judges=True)
    return (judging - calling) / messages


def _judge_all(conn: psycopg.Connection, *, judges: bool) -> tuple[float, int]:
    """CPU µs of the back end over all batches, a transaction each, and what they counted."""
    process = psutil.Process(conn.info.backend_pid)
    batches = [batch for (batch,) in conn.execute("select batch from bench.batch order by batch")]
    before = sum(process.cpu_times()[:2])
    counted = 0
    for batch in batches:
        row = conn.execute("select bench.judge(%s, %s)", (batch, judges)).fetchone()
        counted += row[0] if row else 0
    return (sum(process.cpu_times()[:2]) - before) * 1e6, counted


def _dsn(lab: Lab, database: str) -> str:
    return psycopg.conninfo.make_conninfo(lab.dsn, dbname=database)
