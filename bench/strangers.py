"""Strangers at the port for receipts: silent, trickling, hostile; all come back when sent away.

`python -m bench.strangers PORT --silent 300 --trickling 50 --hostile 10 --seconds 20`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from outbox import descriptors
from outbox.terminal import echo_json

WRONG = "w" * 20
BACK_S = 1.0  # until one who was sent away comes again
TRICKLE_S = 0.5
BEGUN = b"GET /fake/fake/" + WRONG.encode() + b"/1?code=delivered HTTP/1.1\r\nHost: x\r\n"
BODY = BEGUN.replace(b"GET", b"POST") + b"Content-Length: 100000\r\n\r\n"
CHUNKED = BEGUN.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n"
NASTY: Sequence[bytes] = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    BEGUN + b"\r\n",
    (BEGUN + b"\r\n") * 300,
    BEGUN.replace(b"GET", b"HEAD") + b"\r\n",
    BEGUN + b"X: " + b"a" * 200_000,
    BEGUN + b"X: y\r\n" * 5000 + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    BODY + b"&a=1" * 25_000,
    CHUNKED + b"1;" + b"x" * 100_000,
    CHUNKED + b"zz\r\n",
    BEGUN + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    BEGUN + b"Expect: 100-continue\r\n\r\n",
    b"GET /l/abcdefghi HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.0\r\n\r\n",
    b"",
)


@dataclass(slots=True)
class Crowd:
    """Where they go and what became of them."""

    port: int
    host: str = "127.0.0.1"
    hostile_s: float = 0.05  # between two attempts of each hostile one
    seen: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """One connection; what goes wrong with it is no wonder."""
        writer = None
        try:
            async with asyncio.timeout(30):
                reader, writer = await asyncio.open_connection(self.host, self.port)
            self.seen["connected"] += 1
            yield reader, writer
        except (OSError, TimeoutError):
            self.seen["failed"] += 1
        finally:
            if writer is not None:
                writer.transport.abort()


async def silent(crowd: Crowd) -> None:
    """Says nothing, or begins and stops; waits to be sent away."""
    while True:
        async with crowd.call() as (reader, writer):
            writer.write(random.choice((b"", BEGUN)))
            await reader.read()
            crowd.seen["sent away"] += 1
        await asyncio.sleep(BACK_S)


async def trickling(crowd: Crowd) -> None:
    """A byte now and then, of a head or of a body."""
    while True:
        async with crowd.call() as (reader, writer):
            writer.write(random.choice((BEGUN + b"X: ", BODY, b"", CHUNKED)))
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TRICKLE_S):
                        await reader.read(1000)
            crowd.seen["sent away"] += 1
        await asyncio.sleep(BACK_S)


async def hostile(crowd: Crowd) -> None:
    """One nasty request after another, as fast as it is told."""
    while True:
        async with crowd.call() as (reader, writer):
            writer.write(random.choice(NASTY))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(random.choice((0.0, 0.1, 1.0))):
                    await writer.drain()
                    await reader.read(1000)
            crowd.seen["attempts"] += 1
        await asyncio.sleep(random.uniform(0, 2 * crowd.hostile_s))


@contextlib.asynccontextmanager
async def besieged(crowd: Crowd, *, quiet: int, slow: int, nasty: int) -> AsyncIterator[None]:
    """So many of them as long as the block lasts."""
    kinds: list[tuple[Callable[[Crowd], Awaitable[None]], int]] = [
        (silent, quiet),
        (trickling, slow),
        (hostile, nasty),
    ]
    tasks = [asyncio.ensure_future(kind(crowd)) for kind, count in kinds for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _besiege(crowd: Crowd, options: argparse.Namespace) -> None:
    numbers = {"quiet": options.silent, "slow": options.trickling, "nasty": options.hostile}
    async with besieged(crowd, **numbers):
        await asyncio.sleep(options.seconds)
    echo_json(crowd.seen)


def main(arguments: Sequence[str]) -> None:
    """Besiege a port of this machine for a while."""
    parser = argparse.ArgumentParser(prog="python -m bench.strangers", description=__doc__)
    parser.add_argument("port", type=int)
    for name in ("--silent", "--trickling", "--hostile", "--seconds"):
        parser.add_argument(name, type=int, default=20)
    options = parser.parse_args(arguments)
    descriptors.raise_limit()
    asyncio.run(_besiege(Crowd(options.port), options))


if __name__ == "__main__":
    main(sys.argv[1:])
