"""Other queues in PostgreSQL: enqueue and drain of a job that does nothing, same cluster.

Each is drained by workers in processes of their own, which wait until told to begin.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from pgqueuer import Job, PgQueuer, PsycopgDriver, Queries
from pgqueuer.types import QueueExecutionMode
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict

from bench.lab import Lab
from outbox.cluster import ROOT

DATABASE = "peers"
WORKERS = 2
WORKER = "import sys; from bench.peers import main; main(*sys.argv[1:])"
AT_ONCE = 1000  # jobs in one call that enqueues
CONCURRENCY = 20  # of procrastinate's worker
PATIENCE_S = 300
LEFT: dict[str, LiteralString] = {
    "pgqueuer": "select from pgqueuer limit 1",
    "procrastinate": """
        select from procrastinate_jobs where status in ('todo', 'doing') limit 1
    """,
}


def make_peers(lab: Lab) -> None:
    """A database of their own, with what each installs."""
    with lab.connect() as conn:
        conn.execute("create database peers")
    asyncio.run(_install(_dsn(lab)))


def pgqueuer(lab: Lab) -> None:
    """pgqueuer: enqueue in arrays, drain in batches of 500."""
    _measure(lab, "pgqueuer", lab.sizes.jobs, _enqueue_pgqueuer)


def procrastinate(lab: Lab) -> None:
    """procrastinate: defer in batches, two workers of twenty jobs at once."""
    _measure(lab, "procrastinate", lab.sizes.slow_jobs, _enqueue_procrastinate)


Enqueue = Callable[[str, int], Coroutine[Any, Any, None]]


def _measure(lab: Lab, peer: str, count: int, enqueue: Enqueue) -> None:
    with lab.measure(os.getpid()) as given:
        asyncio.run(enqueue(_dsn(lab), count))
    with (
        _workers(peer, _dsn(lab)) as workers,
        lab.measure(*(worker.pid for worker in workers)) as taken,
    ):
        for worker in workers:
            _tell(worker)
        _wait_until_empty(_dsn(lab), LEFT[peer])
    us = (given.server_us + given.own_us + taken.server_us + taken.own_us) / count
    lab.note(f"{peer}.enqueue", count / given.seconds)
    lab.note(f"{peer}.drain", count / taken.seconds)
    lab.note(f"{peer}.us", us)
    lab.note(f"{peer}.capacity", (os.cpu_count() or 1) * 1e6 / us)


def _wait_until_empty(dsn: str, left: LiteralString) -> None:
    """Until no job is left; what a worker does to end itself is not counted."""
    until = time.monotonic() + PATIENCE_S
    with psycopg.connect(dsn, autocommit=True) as conn:
        while conn.execute(left).fetchone() is not None:
            if time.monotonic() > until:
                raise RuntimeError(f"not drained within {PATIENCE_S} s")
            time.sleep(0.02)


@contextmanager
def _workers(peer: str, dsn: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Their workers, started and waiting, so that imports are not measured."""
    command = [sys.executable, "-c", WORKER, peer, dsn]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(WORKERS)
    ]
    try:
        for worker in started:
            _hear(worker)
        yield started
    finally:
        for worker in started:  # idle by now; some take their time to notice
            worker.kill()
            worker.communicate()


def _tell(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    worker.stdin.write(b"go\n")
    worker.stdin.flush()


def _hear(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdout is not None
    if not worker.stdout.readline():
        raise RuntimeError("a peer's worker ended before its time")


def _dsn(lab: Lab) -> str:
    return lab.dsn.rsplit("/", 1)[0] + "/" + DATABASE


# --- their side ---------------------------------------------------------------------------------


async def _queries(dsn: str) -> tuple[psycopg.AsyncConnection[Any], Queries]:
    conn = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    return conn, Queries(PsycopgDriver(conn))


def _app(dsn: str) -> App:
    app = App(connector=PsycopgConnector(conninfo=dsn))

    @app.task(name="nothing")
    async def nothing(n: int) -> None:
        pass

    return app


async def _install(dsn: str) -> None:
    conn, queries = await _queries(dsn)
    async with conn:
        await queries.install()
    app = _app(dsn)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def _enqueue_pgqueuer(dsn: str, count: int) -> None:
    conn, queries = await _queries(dsn)
    async with conn:
        for start in range(0, count, AT_ONCE):
            n = min(AT_ONCE, count - start)
            await queries.enqueue(["nothing"] * n, [b"12345678"] * n, [0] * n)


async def _enqueue_procrastinate(dsn: str, count: int) -> None:
    app = _app(dsn)
    async with app.open_async():
        task = app.tasks["nothing"]
        for start in range(0, count, AT_ONCE):
            jobs: list[JSONDict] = [{"n": n} for n in range(start, min(start + AT_ONCE, count))]
            await task.batch_defer_async(*jobs)


async def _drain_pgqueuer(dsn: str) -> None:
    conn, _ = await _queries(dsn)
    async with conn:
        queue = PgQueuer(PsycopgDriver(conn))

        @queue.entrypoint("nothing")
        async def nothing(job: Job) -> None:
            pass

        _wait_for_word()
        await queue.qm.run(
            batch_size=500, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=1)
        )


async def _drain_procrastinate(dsn: str) -> None:
    app = _app(dsn)
    async with app.open_async():
        _wait_for_word()
        await app.run_worker_async(
            wait=False, concurrency=CONCURRENCY, install_signal_handlers=False
        )


def _wait_for_word() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def main(peer: str, dsn: str) -> None:
    """Drain as one worker of a peer."""
    asyncio.run({"pgqueuer": _drain_pgqueuer, "procrastinate": _drain_procrastinate}[peer](dsn))
    sys.stdin.readline()  # stay until ended, so that the CPU can be read
