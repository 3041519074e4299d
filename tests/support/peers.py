"""HTTP peers that misbehave: they take a request and answer what the test wants, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Peer:
    """What it answers next, and the requests it saw as text."""

    status: int | None = 202  # None: no answer; 0: the connection is cut
    body: str = "0: Accepted for delivery"
    requests: list[str] = field(default_factory=list)
    port: int = 0
    trickle_s: float = 0  # pause between two bytes of the answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def http_peer() -> AsyncIterator[Peer]:
    """A server on a free port until the block ends."""
    peer = Peer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                peer.requests.append(head + (await _body(reader, head)))
                if peer.status is None:
                    await reader.read()  # until the client gives up
                    return
                if peer.status == 0:
                    return
                body = peer.body.encode()
                head = f"HTTP/1.1 {peer.status} X\r\nContent-Length: {len(body)}\r\n\r\n"
                await _answer(writer, head.encode() + body, pause_s=peer.trickle_s)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer


async def _answer(writer: asyncio.StreamWriter, answer: bytes, *, pause_s: float) -> None:
    for start in range(0, len(answer), 1 if pause_s else len(answer)):
        writer.write(answer[start : start + 1] if pause_s else answer)
        await writer.drain()
        await asyncio.sleep(pause_s)


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""


async def _body(reader: asyncio.StreamReader, head: str) -> str:
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            return (await reader.readexactly(int(line.split(":")[1]))).decode()
    return ""
