"""A message centre that does nothing but answer, and fast: `python -m bench.smsc_sink`.

Its own process, so that its CPU is not ours. Prints "ready PORT"; then, for each line on standard
input, a line: "count" → how many submit_sm it took; "report" → sends a receipt for each of them, at
most WINDOW unanswered, and says how many were answered and in how many seconds.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from collections import deque

HEADER = struct.Struct(">LLLL")
SUBMIT, DELIVER = 4, 5
RESPONSE = 0x80000000
WINDOW = 500  # receipts without an answer
BODY_START = b"\0\1\1" + b"79070000001\0" + b"\5\0BANK\0" + bytes((4, 0, 0, 0, 0, 0, 0, 0, 0))
TEXT = (
    b"id:%d sub:001 dlvrd:001 submit date:2611230600 done date:2611230601 stat:DELIVRD err:000 "
    b"text:"
)


class Sink:
    """What all connections share."""

    def __init__(self) -> None:
        self.taken = 0
        self.first = int(time.time() * 1000) * 1000
        self.listener: Session | None = None
        self.unreported: deque[int] = deque()
        self.unanswered = self.answered = 0
        self.done = asyncio.Event()

    def report(self) -> None:
        """Send receipts while the window has room."""
        assert self.listener is not None, "nobody is bound"
        out = []
        while self.unreported and self.unanswered < WINDOW:
            text = TEXT % self.unreported.popleft()
            self.unanswered += 1
            body = BODY_START + bytes((len(text),)) + text
            out.append(HEADER.pack(16 + len(body), DELIVER, 0, self.unanswered) + body)
        if out:
            self.listener.transport.write(b"".join(out))
        elif not self.unanswered:
            self.done.set()


class Session(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        sink, at, out = self._sink, 0, []
        heard = 0
        while len(data) - at >= 16:
            length, command, _, sequence = HEADER.unpack_from(data, at)
            if at + length > len(data):
                break
            at += length
            if command == SUBMIT:
                message_id = b"%d\0" % (sink.first + sink.taken)
                sink.taken += 1
                out.append(HEADER.pack(16 + len(message_id), SUBMIT | RESPONSE, 0, sequence))
                out.append(message_id)
            elif command == DELIVER | RESPONSE:
                heard += 1
            elif not command & RESPONSE:
                if command in (1, 9):
                    sink.listener = self
                body = b"sink\0" if command in (1, 2, 9) else b""
                out.append(HEADER.pack(16 + len(body), command | RESPONSE, 0, sequence) + body)
        self._rest = data[at:]
        if out:
            self.transport.write(b"".join(out))
        if heard:
            sink.unanswered -= heard
            sink.answered += heard
            sink.report()


async def main() -> None:
    """Serve until standard input ends."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(sink), "127.0.0.1", 0)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        if line == "count":
            print(sink.taken, flush=True)
        elif line == "report":
            sink.unreported.extend(range(sink.first, sink.first + sink.taken))
            sink.answered = 0
            sink.done.clear()
            start = time.perf_counter()
            sink.report()
            await sink.done.wait()
            print(sink.answered, time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
