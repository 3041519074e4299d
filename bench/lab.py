"""The place where all is measured: a throwaway cluster, its data, and what work costs there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg

from bench.sizes import Sizes
from migrations import migrate
from outbox.cluster import ROOT, Cluster

HOME = ROOT / ".local" / "bench"
# The private cluster's settings but for these: memory as in the measurements the targets come
# from, and no checkpoint within a run: after one, the first touch of a page writes all of it.
SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "32MB",
    "checkpoint_timeout": "1h",
    "max_wal_size": "16GB",
}
READY_S = 60
LISTENS: LiteralString = """
    exists (select from pg_stat_activity as a where a.application_name = 'outbox worker bell')
"""


@dataclass(slots=True)
class Spent:
    """Cost of some work: wall seconds, CPU µs of the server and of ours, bytes of WAL."""

    seconds: float = 0
    server_us: float = 0
    own_us: float = 0
    wal: int = 0


AS_TEXT: LiteralString = """
    copy (select * from bench.requests(%s, %s, %s, %s, %s, %s)) to stdout
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Which requests to make up; see bench.requests in data.sql."""

    count: int
    channel: str | None = None
    urgent: float = 0.01
    blocked: float = 0.0
    with_ref: bool = True


@dataclass(slots=True, kw_only=True)
class Lab:
    """One run: its cluster, its sizes, and the samples taken so far, by name."""

    sizes: Sizes
    cluster: Cluster
    dsn: str
    samples: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seed: int = 0
    rounds: int = 0  # done so far
    load: float = 0  # of the machine by others, before we began

    def note(self, name: str, value: float) -> None:
        """Keep one sample."""
        self.samples[name].append(value)

    def connect(self) -> psycopg.Connection:
        """A connection in autocommit."""
        return psycopg.connect(self.dsn, autocommit=True)

    def reset(self) -> None:
        """Empty the queue; what is history stays, as it would."""
        with self.connect() as conn:
            conn.execute("truncate sms.pending, sms.inflight, sms.submitting")

    def make(self, requests: Requests, query: LiteralString = AS_TEXT) -> list[bytes]:
        """Requests as text for COPY, a thousand rows each."""
        blocks: list[bytes] = []
        with (
            self.connect() as conn,
            conn.cursor() as cursor,
            cursor.copy(query, self._values(requests, requests.count)) as rows,
        ):
            lines = [bytes(line) for line in rows]
        for start in range(0, len(lines), 1000):
            blocks.append(b"".join(lines[start : start + 1000]))
        return blocks

    def fill(self, requests: Requests) -> None:
        """Insert requests on the server, a hundred thousand a transaction."""
        with self.connect() as conn:
            for start in range(0, requests.count, 100_000):
                conn.execute(
                    """
                    insert into sms.outbox (channel, phone, body, vars, erp_ref, client_id)
                    select r.* from bench.requests(%s, %s, %s, %s, %s, %s) as r
                    """,
                    self._values(requests, min(100_000, requests.count - start)),
                )

    def _values(self, requests: Requests, count: int) -> tuple[object, ...]:
        """The arguments of bench.requests, with a seed never used before."""
        self.seed += 1
        share = (requests.urgent, requests.blocked)
        return (count, self.seed, requests.channel, *share, requests.with_ref)

    @contextmanager
    def measure(self, *own: int) -> Iterator[Spent]:
        """What the block costs; `own` are process ids of ours beside the server's."""
        spent = Spent()
        with self.connect() as conn:
            wal, server, mine, start = (
                _lsn(conn),
                self._server_us(),
                _cpu_us(own),
                time.perf_counter(),
            )
            yield spent
            spent.seconds = time.perf_counter() - start
            spent.server_us, spent.own_us = self._server_us() - server, _cpu_us(own) - mine
            spent.wal = _lsn(conn) - wal

    def _server_us(self) -> float:
        """CPU of the postmaster, of all it ever reaped, and of those alive."""
        pid = int((self.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        postmaster = psutil.Process(pid)
        total = sum(postmaster.cpu_times()[:4])
        for child in postmaster.children(recursive=True):
            try:
                total += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:  # reaped meanwhile: counted above at the next look
                continue
        return total * 1e6

    @contextmanager
    def program(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """One of the project's own programs beside us, ended afterwards as its users end it."""
        log = (self.cluster.home.resolve() / "programs.log").open("ab")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OUTBOX_")
        }
        environment |= {"OUTBOX_DSN": self.dsn, "OUTBOX_LOG_LEVEL": "warning", **variables}
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            yield process
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended by itself; see {log.name}")
        finally:
            process.terminate()
            process.wait(60)
            log.close()

    @contextmanager
    def worker(self, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """The real worker, listening."""
        with self.program("-m", "cli", "worker", **variables) as process:
            until = time.monotonic() + READY_S
            while not self.is_true(LISTENS):
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError("the worker does not start; see programs.log")
                time.sleep(0.05)
            yield process

    def is_true(self, condition: LiteralString, **values: object) -> bool:
        """Whether an SQL condition holds now."""
        with self.connect() as conn:
            row = conn.execute("select " + condition, values).fetchone()
        return bool(row and row[0])


def _lsn(conn: psycopg.Connection) -> int:
    row = conn.execute("select (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    assert row is not None
    return int(row[0])


def _cpu_us(pids: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids) * 1e6


@contextmanager
def open_lab(sizes: Sizes) -> Iterator[Lab]:
    """Make the cluster, migrate and fill it; remove it afterwards, whatever happened."""
    load = os.getloadavg()[0]
    cluster = Cluster(home=HOME, settings=SETTINGS)
    cluster.remove()
    try:
        dsn = cluster.start()
        migrate(dsn)
        lab = Lab(sizes=sizes, cluster=cluster, dsn=dsn, load=load)
        _furnish(lab)
        yield lab
    finally:
        cluster.stop("immediate")  # nothing there is worth a checkpoint
        cluster.remove()


def _furnish(lab: Lab) -> None:
    """Numbers, rules and a past: contacts of thirty days, oldest first, to a million numbers."""
    with lab.connect() as conn:
        # A million rows of history beside the blacklist are not what is measured.
        conn.execute("alter table sms.blacklist disable trigger audit_insert")
        conn.execute(Path(__file__).with_name("data.sql").read_bytes())
        conn.execute("alter table sms.blacklist enable trigger audit_insert")
        conn.execute(
            """
            insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
            select bench.number((hashint8extended(n, 1) & 4294967295) %% 1000000),
                   now() - n * (interval '30 days' / %(rows)s),
                   hashint8extended(n, 2), n, n, c.channel_id
              from generate_series(%(rows)s::bigint, 1, -1) as n
              join sms.channel as c
                on c.channel = case when n %% 3 = 0 then 'planned' else 'mass' end
            """,
            {"rows": lab.sizes.contacts},
        )
        conn.execute("vacuum analyze")
        conn.execute("checkpoint")
