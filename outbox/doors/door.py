"""One HTTP connection: uvicorn's, with a time and a size for every part of a request.

A sweep looks at two deadlines, which costs a request no timer: `_until` for what the caller owes
us (a head, a body, the next request) and `_written_until` for reading what we answered.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from outbox.doors.hall import Hall

ANSWERS = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    413: b"HTTP/1.1 413 Content Too Large\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}
REST = b"Connection: close\r\nContent-Length: 0\r\n\r\n"
LINGER_S = 1.0  # for a refused caller to read why
LINGER_BYTES = 1 << 18


class Stage(Enum):
    """What we are reading."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class _TooMuch(Exception):
    """Raised through the parser, to end its work on what came."""


class Door(HttpToolsProtocol, asyncio.BufferedProtocol):
    """A connection of `hall`; `site` is whom it counts for, trusted where that is our proxy."""

    def __init__(
        self, hall: Hall, site: str, config: Config, state: ServerState, *, is_trusted: bool
    ) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self.site = site
        self.is_trusted = is_trusted
        self._hall = hall
        self._limits = hall.limits
        self._stage = Stage.HEAD  # whoever connects has something to say
        self.since = self.loop.time()
        self._until = self.since + self._limits.head_s
        self._written_until = inf
        self._head = self._headers = self._wire = 0
        self._is_deaf = False
        self._is_dropped = False
        hall.enter(self)

    # What the hall asks for

    @property
    def can_go(self) -> bool:
        """Whether nothing of ours is owed here; a caller that is known may finish its body."""
        if self._is_deaf or not self._owes_answer():
            return True
        return self._stage is Stage.BODY and not self._is_known()

    def check(self, now: float) -> None:
        """End it where a deadline has passed."""
        if now > self._until:
            self._run_out()
        elif now > self._written_until:
            self._hall.refused["unread"] += 1
            self.drop()
        elif self._written_until == inf and self.transport and self.transport.is_closing():
            self._written_until = now + self._limits.unread_s

    def _run_out(self) -> None:
        """What it owed us did not come in time; between two requests nothing is owed."""
        has_begun = self._stage is Stage.BODY or self._head > 0
        if self._stage is not Stage.IDLE:
            self._refuse("slow" if has_begun else "silent", 408 if has_begun else None)
        self.drop()

    def drop(self) -> None:
        """End it at once; also one that is not even open so far."""
        self._is_dropped = self._is_deaf = True
        self._hall.leave(self)
        if self.transport is not None:
            self.transport.abort()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless it was sent away already."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        if self._is_dropped:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and leave no circle behind: it is freed now and not when garbage is sought."""
        self._hall.leave(self)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        """The caller does not read."""
        self._written_until = self.loop.time() + self._limits.unread_s
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._written_until = inf
        super().resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:
        """One for all: what comes is copied out before the next caller's turn."""
        return self._hall.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        self.data_received(bytes(self._hall.buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Parse it, and measure what is not complete after it."""
        if self._is_deaf:
            return self._overhear(len(data))
        self._unset_keepalive_if_required()
        if self._stage is Stage.IDLE:
            self._begin()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing we speak: answered as if it had not been asked for, and then no more.
            self._is_deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _TooMuch):
                self._refuse("malformed", 400)
        else:
            self._measure(len(data))

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request line."""
        self._begin()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of it."""
        self._take_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer of a chunked body."""
        self._headers += 1
        if self._headers > self._limits.headers:
            self._too_much("headers", 431)
        self._take_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A body follows, if only an empty one."""
        if len(self.pipeline) >= self._limits.pipelined:
            self._too_much("pipelined", None)
        self._stage = Stage.BODY
        self._wire = 0
        self._until = self.loop.time() + self._limits.body_s
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of the request is here."""
        super().on_message_complete()
        self._stage = Stage.IDLE
        self._until = inf if self._owes_answer() else self.loop.time() + self._limits.idle_s

    def on_response_complete(self) -> None:
        """We have answered; a body that is still coming keeps its own time."""
        if self._is_known():
            self._hall.knows(self)
        if self._stage is Stage.IDLE and not self._owes_answer():
            self._until = self.loop.time() + self._limits.idle_s
        super().on_response_complete()

    # Our own

    def _begin(self) -> None:
        """The first byte of a request; the time of a fresh connection runs since it came."""
        if self._stage is not Stage.HEAD:
            self._stage = Stage.HEAD
            self._until = self.loop.time() + self._limits.head_s
        self._head = self._headers = 0

    def _measure(self, size: int) -> None:
        """Count what the parser swallows without a word: endless lines, chunk extensions."""
        if self._stage is Stage.HEAD:
            self._head += size
            if self._head > self._limits.head_bytes:
                self._refuse("head", 431)
        elif self._stage is Stage.BODY:
            self._wire += size
            if self._wire > self._limits.wire_bytes:
                self._refuse("body", 413)

    def _take_head(self, size: int) -> None:
        self._head += size
        if self._head > self._limits.head_bytes:
            self._too_much("head", 431)

    def _too_much(self, why: str, status: int | None) -> None:
        self._refuse(why, status)
        raise _TooMuch

    def _refuse(self, why: str, status: int | None) -> None:
        """Hear no more; say why where no answer is under way."""
        if self._is_deaf:
            return
        self._is_deaf = True
        self._hall.refused[why] += 1
        if self.transport.is_closing():
            return
        if status is None or self._is_answering():
            self.transport.close()
            return
        if self._owes_answer():  # whoever works on it is told that nobody listens
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closed with something unread, the system would take the answer back.
        self.transport.write(ANSWERS[status] + REST)
        self.transport.write_eof()
        self._until = self.loop.time() + LINGER_S
        self._wire = 0

    def _overhear(self, size: int) -> None:
        """Let a caller who was refused finish, if it is brief."""
        self._wire += size
        if self._wire > LINGER_BYTES:
            self.drop()

    def _owes_answer(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_answering(self) -> bool:
        """Whether an answer would get in between: begun, or owed to an earlier request."""
        begun = self.cycle is not None and self.cycle.response_started
        waits = self._stage is not Stage.BODY and self._owes_answer()
        return (begun and not self.cycle.response_complete) or waits or bool(self.pipeline)

    def _is_known(self) -> bool:
        """Whether the app found the token of the latest request right."""
        return self.cycle is not None and bool(self.cycle.scope["state"].get("is_known"))
