"""An SMS provider with a bad night: speaks Kannel's sendsms, keeps a record, fails to order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from kannel.processes import free_ports

Mood = Literal["well", "hangs", "refuses", "throttles", "garbles", "hangs up"]
ID = re.compile(rb"x-kannel-dlr-url: \S+/(\d+)\?", re.IGNORECASE)
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
TAKEN = (202, b"0: Accepted for delivery")
BUSY = (503, b"Temporal failure, try again later.")
NONSENSE = (200, b"<html><body>\xd0\x9e\xd1\x88\xd0\xb8\xd0\xb1\xd0\xba\xd0\xb0 502</body></html>")
TAKES_ONE_IN = 10  # while it throttles
LATENCY_S = 0.01


@dataclass(slots=True)
class Counter:
    """One account's HTTP front. What it took is in `record` before it is answered, if it is."""

    port: int
    mood: Mood = "well"
    record: list[tuple[int, datetime]] = field(default_factory=list)
    _turns: count[int] = field(default_factory=count)
    _clients: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/sendsms"

    async def become(self, mood: Mood) -> None:
        """From now on it behaves like that; whoever still waits for it is hung up on."""
        self.mood = mood
        if mood == "refuses":
            await self.close()
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        if mood == "well":
            self._hang_up()

    async def close(self) -> None:
        """Nobody listens at the port any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._hang_up()

    def _hang_up(self) -> None:
        for task, client in tuple(self._clients.items()):
            client.transport.abort()
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length, id_ = LENGTH.search(head), ID.search(head)
                assert length is not None
                assert id_ is not None, "the worker asks for no receipts"
                await reader.readexactly(int(length[1]))
                await self._answer(int(id_[1]), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            del self._clients[task]
            writer.transport.abort()

    async def _answer(self, id_: int, writer: asyncio.StreamWriter) -> None:
        match self.mood:
            case "throttles" if next(self._turns) % TAKES_ONE_IN:
                return await self._say(BUSY, writer)
            case "hangs":
                self._take(id_)
                await asyncio.Event().wait()  # until the connection is aborted
            case "garbles":
                self._take(id_)
                return await self._say(NONSENSE, writer)
            case "hangs up" | "refuses":
                self._take(id_)
                raise ConnectionResetError
            case _:
                self._take(id_)
                await asyncio.sleep(LATENCY_S)
                return await self._say(TAKEN, writer)

    def _take(self, id_: int) -> None:
        self.record.append((id_, datetime.now(UTC)))

    async def _say(self, answer: tuple[int, bytes], writer: asyncio.StreamWriter) -> None:
        status, body = answer
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


@asynccontextmanager
async def counter() -> AsyncIterator[Counter]:
    """A provider that is well, until the block ends."""
    [port] = free_ports(1)
    made = Counter(port=port)
    await made.become("well")
    try:
        yield made
    finally:
        await made.close()
        await asyncio.sleep(0)  # let them go
