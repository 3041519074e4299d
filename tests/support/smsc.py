"""An SMSC in this process, octet by octet in a test's hands; for what no decent one would do."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from providers.base import Context, Inbound, Receipt
from providers.smpp import SmppProvider

HEADER = struct.Struct(">LLLL")
RESPONSE = 0x80000000
BINDS = {1: "receiver", 2: "transmitter", 9: "transceiver"}


@dataclass(slots=True)
class Session:
    """One connection of ours to it."""

    writer: asyncio.StreamWriter
    role: str = ""
    is_over: bool = False

    def send(self, command: int, sequence: int, body: bytes = b"", status: int = 0) -> None:
        self.raw(HEADER.pack(16 + len(body), command, status, sequence) + body)

    def raw(self, octets: bytes) -> None:
        self.writer.write(octets)

    def accept(self, sequence: int, message_id: bytes, tlvs: bytes = b"") -> None:
        self.send(0x80000004, sequence, message_id + b"\0" + tlvs)

    def deliver(self, sequence: int, text: bytes, **fields: Any) -> None:
        self.send(5, sequence, deliver_body(text, **fields))

    def cut(self) -> None:
        self.writer.transport.abort()


Handler = Callable[[Session, int, bytes], None]


@dataclass(slots=True)
class Smsc:
    """Decent but for what `on` says: command → what happens instead."""

    port: int = 0
    sessions: list[Session] = field(default_factory=list)
    heard: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    on: dict[int, Handler] = field(default_factory=dict)
    taken: int = 0

    def commands(self, command: int) -> list[tuple[int, int, int, bytes]]:
        """(command, status, sequence, body) of each PDU of this kind so far."""
        return [one for one in self.heard if one[0] == command]

    @property
    def last(self) -> Session:
        return self.sessions[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer)
        self.sessions.append(session)
        try:
            while True:
                length, command, status, sequence = HEADER.unpack(await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                self.heard.append((command, status, sequence, body))
                if command in BINDS:
                    session.role = BINDS[command]
                if handler := self.on.get(command):
                    handler(session, sequence, body)
                else:
                    self.answer(session, command, sequence)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            session.is_over = True
            writer.close()

    def answer(self, session: Session, command: int, sequence: int) -> None:
        """What a decent one answers."""
        if command == 4:
            self.taken += 1
            session.accept(sequence, str(self.taken).encode())
        elif command in BINDS:
            session.send(command | RESPONSE, sequence, b"smsc\0")
        elif not command & RESPONSE:
            session.send(command | RESPONSE, sequence)


@asynccontextmanager
async def scripted_smsc() -> AsyncIterator[Smsc]:
    """It listens on a free port until the block ends."""
    smsc = Smsc()
    server = await asyncio.start_server(smsc.serve, "127.0.0.1", 0)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        yield smsc
    finally:
        server.close()
        for session in smsc.sessions:
            session.cut()


@dataclass(slots=True)
class Ears:
    """What a provider brought; a test may hold the commit, or let it fail."""

    receipts: list[Receipt] = field(default_factory=list)
    inbound: list[Inbound] = field(default_factory=list)
    commits: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: Callable[[Sequence[Receipt]], Exception | None] = lambda _: None

    def __post_init__(self) -> None:
        self.commits.set()

    async def take_receipts(self, receipts: Sequence[Receipt]) -> None:
        await self.commits.wait()
        if error := self.trouble(receipts):
            raise error
        self.receipts.extend(receipts)

    async def take_inbound(self, messages: Sequence[Inbound]) -> None:
        await self.commits.wait()
        self.inbound.extend(messages)

    def provider(self, port: int, **settings: Any) -> SmppProvider:
        """A provider that sends to this port; quick to lose patience and to come back."""
        secret = settings.pop("secret", "secret")
        given = {
            "addresses": f"127.0.0.1:{port}",
            "system_id": "outbox",
            "timeout_s": 5,
            "reconnect_s": 0.05,
            "reconnect_max_s": 1,
            "throttle_s": 0.1,
            **settings,
        }
        context = Context(sink=self.take_receipts, inbound_sink=self.take_inbound)
        return SmppProvider("smpp_main", given, secret, context)


def deliver_body(
    text: bytes,
    *,
    esm_class: int = 4,
    data_coding: int = 0,
    source: bytes = b"79070000001",
    tlvs: bytes = b"",
) -> bytes:
    """The body of a deliver_sm."""
    return (
        b"\0\1\1" + source + b"\0\1\1" + b"79430000000\0"
        + bytes((esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0, len(text))) + text + tlvs
    )  # fmt: skip


def receipt_text(message_id: str, stat: str = "DELIVRD") -> bytes:
    """A receipt as most SMSCs write it."""
    return f"id:{message_id} sub:001 dlvrd:001 stat:{stat} err:000 text:".encode()
