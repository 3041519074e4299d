"""What a claim costs as the queue grows, and while somebody holds a snapshot open."""

from __future__ import annotations

import statistics
import time

import psycopg

from bench.lab import Lab, Requests

BATCH = 500
LOOKS = 40  # claims whose median is taken


def claim_by_depth(lab: Lab) -> None:
    """Median claim at a shallow and at a deep queue, then with a snapshot held from before."""
    sizes = lab.sizes
    lab.fill(Requests(count=sizes.shallow, urgent=0.0))
    _calm(lab)
    with lab.connect() as conn:
        shallow = _median_claim(conn)
    lab.fill(Requests(count=sizes.deep - sizes.shallow, urgent=0.0))
    _calm(lab)
    with lab.connect() as conn:
        deep = _median_claim(conn)
        first, last = _claims_under_snapshot(lab, conn)
    lab.note("depth.shallow_ms", shallow)
    lab.note("depth.deep_ms", deep)
    lab.note("depth.ratio", deep / shallow)
    lab.note("pinned.first_ms", first)
    lab.note("pinned.last_ms", last)
    lab.note("pinned.ratio", last / first)
    lab.reset()


def _calm(lab: Lab) -> None:
    with lab.connect() as conn:
        conn.execute("vacuum analyze sms.pending")


def _claims_under_snapshot(lab: Lab, conn: psycopg.Connection) -> tuple[float, float]:
    """Median of the first claims and of the last, after `pinned` messages in all."""
    with psycopg.connect(lab.dsn) as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("select count(*) from sms.channel")
        first = _median_claim(conn)
        for _ in range(lab.sizes.pinned // BATCH - 2 * LOOKS):
            _claim(conn)
        return first, _median_claim(conn)


def _median_claim(conn: psycopg.Connection) -> float:
    """ms of a claim, after a few that only warm up."""
    for _ in range(3):
        _claim(conn)
    return statistics.median(_claim(conn) for _ in range(LOOKS))


def _claim(conn: psycopg.Connection) -> float:
    start = time.perf_counter()
    row = conn.execute(
        "select judged from sms.claim_batch('fake', 'bench', %s)", (BATCH,)
    ).fetchone()
    ms = (time.perf_counter() - start) * 1000
    if row is None or row[0] == 0:
        raise RuntimeError("the queue is empty: nothing to compare")
    return ms
