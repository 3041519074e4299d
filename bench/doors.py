"""`python -m bench.doors`: true receipts beside a siege of the port, and what both cost.

Silent, trickling and hostile strangers (bench.strangers, in a process of their own) and true
receipts at a fixed rate, one in five on a connection of its own. Prints how many were answered and
how soon, memory and processor time of the receipt server, and the bytes it logged. For lack of a
second machine all are on this one, so a busy machine shows in the times.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from bench.receipts import OWN as OWN_TOKEN
from bench.receipts import TOKEN, length_of, wait_for
from migrations import migrate
from outbox import descriptors
from outbox.cluster import ROOT, Cluster
from outbox.server_programs import free_port
from outbox.terminal import echo_json

HOME = ROOT / ".local" / "doors"
ACCOUNT = "select sms.set_provider('fake', 'fake', '{}')"
KEPT = 32  # connections that are kept, as a provider's pool
OWN = 5  # every fifth call has a connection of its own
SETTLE_S = 15.0  # until the strangers are all there, and some were sent away
TRIES = 3
FIRST_ID = 10_000_000


@dataclass(slots=True)
class Answers:
    """What true receipts met."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    repeated: int = 0  # calls without an answer, made again

    def within(self, share: float) -> float:
        """In milliseconds, how soon this share of them was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Caller:
    """Tells receipts at a rate, whether or not earlier ones are answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pool: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.LifoQueue()
        )
        self.answers = Answers()

    async def tell(self, rate: int, seconds: float) -> int:
        """All of them; how many there were."""
        began, count = time.perf_counter(), int(rate * seconds)
        async with asyncio.TaskGroup() as calls:
            for n in range(count):
                await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
                calls.create_task(self._one(FIRST_ID + n, is_own=n % OWN == 0))
        while not self._pool.empty():
            self._pool.get_nowait()[1].close()
        return count

    async def _one(self, message_id: int, *, is_own: bool) -> None:
        began, status = time.perf_counter(), 0
        for turn in range(TRIES):
            try:
                status = await self._call(message_id, is_own=is_own or turn > 0)
            except (OSError, EOFError, TimeoutError):
                self.answers.repeated += 1
            else:
                break
        self.answers.seconds.append(time.perf_counter() - began)
        self.answers.statuses[status] += 1

    async def _call(self, message_id: int, *, is_own: bool) -> int:
        async with asyncio.timeout(20):
            if is_own or self._pool.empty():
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            else:
                reader, writer = self._pool.get_nowait()
            url = f"/fake/fake/{OWN_TOKEN}/{message_id}?code=delivered"
            writer.write(f"GET {url} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length_of(head))
        if is_own or self._pool.qsize() >= KEPT:
            writer.close()
        else:
            self._pool.put_nowait((reader, writer))
        return int(head.split(b" ", 2)[1])


def besiege(options: argparse.Namespace) -> dict[str, object]:
    """One run; what was seen."""
    cluster = Cluster(home=HOME, settings={})
    cluster.remove()
    try:
        dsn = cluster.start()
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(ACCOUNT)
        return _run(dsn, options)
    finally:
        cluster.stop("immediate")
        cluster.remove()


def _run(dsn: str, options: argparse.Namespace) -> dict[str, object]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "dlr.log"
        server = _start(log, dsn, port)
        strangers = None
        try:
            asyncio.run(wait_for(port))
            strangers = _strangers(port, options)
            time.sleep(SETTLE_S)
            process = psutil.Process(server.pid)
            busy_s = sum(process.cpu_times()[:2])
            began_mb, said = process.memory_info().rss / 1e6, log.stat().st_size
            caller = Caller(port)
            count = asyncio.run(caller.tell(options.rate, options.seconds))
            seen = {
                **_summary(caller.answers, count),
                "rss_mb": [round(began_mb), round(process.memory_info().rss / 1e6)],
                "server_cpu_s": round(sum(process.cpu_times()[:2]) - busy_s, 1),
                "machine_load": round(os.getloadavg()[0], 1),
                "descriptors": process.num_fds(),
                "log_bytes": log.stat().st_size - said,
            }
            strangers.terminate()
            with psycopg.connect(dsn) as conn:
                row = conn.execute("select count(distinct message_id) from sms.receipt").fetchone()
            seen["stored"] = row[0] if row else 0
            return seen
        finally:
            for one in (strangers, server):
                if one is not None:
                    one.terminate()
                    one.wait(60)


def _summary(answers: Answers, count: int) -> dict[str, object]:
    return {
        "true_receipts": count,
        "statuses": dict(answers.statuses),
        "repeated": answers.repeated,
        "p50_ms": round(answers.within(0.5), 1),
        "p99_ms": round(answers.within(0.99), 1),
        "max_ms": round(answers.within(1.0), 1),
    }


def _start(log: Path, dsn: str, port: int) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OUTBOX_")}
    environment |= {"OUTBOX_DSN": dsn, "OUTBOX_DLR_PORT": str(port), "OUTBOX_DLR_TOKEN": TOKEN}
    with log.open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", "dlr"], env=environment, cwd=ROOT, stderr=stderr
        )


def _strangers(port: int, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    numbers = [
        word
        for name in ("silent", "trickling", "hostile")
        for word in (f"--{name}", str(getattr(options, name)))
    ]
    command = [sys.executable, "-m", "bench.strangers", str(port), *numbers]
    seconds = str(int(options.seconds + 60))
    return subprocess.Popen([*command, "--seconds", seconds], cwd=ROOT)


def main(arguments: Sequence[str]) -> None:
    """Besiege a receipt server of our own and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parser.add_argument("--silent", type=int, default=3000)
    parser.add_argument("--trickling", type=int, default=500)
    parser.add_argument("--hostile", type=int, default=100)
    parser.add_argument("--rate", type=int, default=500, help="true receipts a second")
    parser.add_argument("--seconds", type=float, default=60)
    descriptors.raise_limit()
    echo_json(besiege(parser.parse_args(arguments)), indent=2)


if __name__ == "__main__":
    main(sys.argv[1:])
