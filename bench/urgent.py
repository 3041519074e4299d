"""Urgent messages beside a flat-out drain of a campaign that the rules mostly stop."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from bench.lab import Lab, Requests
from bench.pipeline import set_receipts

BLOCKED = 0.95
EVERY_S = 0.05
LONGEST_S = 15.0
FLOOR = 20_000  # fewer waiting: the drain nears its end
FROM_INSERT_TO_HAND = """
    select extract(epoch from s.marked_at) - extract(epoch from u.at::timestamptz)
      from unnest(%(ids)s::bigint[], %(ats)s::float8[]) as g (id, epoch)
      cross join lateral (select to_timestamp(g.epoch) as at) as u
      join sms.submitting as s on g.id = any (s.ids)
"""


def urgent_beside_drain(lab: Lab) -> None:
    """Single notices, twenty a second, beside a drain: from before the INSERT into its hands.

    The worker marks what it holds before it sends: that moment is taken.
    """
    lab.fill(Requests(count=lab.sizes.backlog, urgent=0.0, blocked=BLOCKED))
    set_receipts(lab, None)
    with lab.worker(), lab.connect() as conn:
        sent = send_urgent(conn, seconds=LONGEST_S, floor=FLOOR)
    lab.note("urgent.p50", percentile(sent.latencies, 0.50))
    lab.note("urgent.p99", percentile(sent.latencies, 0.99))
    lab.note("urgent.commit_p99", percentile(sent.commits, 0.99))
    lab.note("urgent.drained", sent.drained)
    lab.note("urgent.samples", len(sent.latencies))
    lab.reset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Urgent messages: ms from before the INSERT into the worker's hands, ms of each INSERT, and
    how many other messages a second left the queue meanwhile."""

    latencies: list[float]
    commits: list[float]
    drained: float


def send_urgent(conn: psycopg.Connection, *, seconds: float, floor: int) -> Sent:
    """Twenty a second, for so long or until fewer than `floor` messages wait."""
    before, start = _waiting(conn), time.perf_counter()
    ids, ats, commits = _insert_urgent(conn, seconds, floor)
    drained, passed = before - _waiting(conn), time.perf_counter() - start
    time.sleep(1)
    latencies = _latencies(conn, ids, ats)
    if len(latencies) < len(ids):
        raise RuntimeError(
            f"{len(ids) - len(latencies)} of {len(ids)} urgent messages were never claimed"
        )
    return Sent(latencies=latencies, commits=commits, drained=drained / passed)


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of all lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _insert_urgent(
    conn: psycopg.Connection, seconds: float, floor: int
) -> tuple[list[int], list[float], list[float]]:
    """Ids, moments before the INSERT, and ms of each INSERT, until the drain nears its end."""
    ids: list[int] = []
    ats: list[float] = []
    commits: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        at, start = time.time(), time.perf_counter()
        row = conn.execute(
            """
            insert into sms.outbox (channel, phone, body)
            values ('single', bench.number(2000000 + %s)::text, 'Платёж проведён.')
            returning id
            """,
            (int(at * 1000) % 100_000_000,),
        ).fetchone()
        commits.append((time.perf_counter() - start) * 1000)
        assert row is not None
        ids.append(row[0])
        ats.append(at)
        if floor and len(ids) % 10 == 0 and _waiting(conn) < floor:
            break
        time.sleep(max(0.0, EVERY_S - (time.perf_counter() - start)))
    return ids, ats, commits


def _latencies(conn: psycopg.Connection, ids: list[int], ats: list[float]) -> list[float]:
    rows = conn.execute(FROM_INSERT_TO_HAND, {"ids": ids, "ats": ats}).fetchall()
    return [float(seconds) * 1000 for (seconds,) in rows]


def _waiting(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(*) from sms.pending").fetchone()
    assert row is not None
    return int(row[0])
