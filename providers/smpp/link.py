"""One session with the SMSC: a socket, its bind, what was submitted over it and is unanswered.

An asyncio Protocol, because it hears many PDUs with one read and says many with one write. Nothing
here waits: what happens to the link is told to its `Owner`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

import structlog

from providers.smpp import pdu, status
from providers.smpp.outgoing import Outgoing
from providers.smpp.owner import Owner
from providers.smpp.settings import Meaning, SmppSettings
from providers.smpp.window import Window

log = structlog.get_logger()

Role = Literal["transceiver", "transmitter", "receiver"]
TICK_S = 0.5
LAST_WORDS_S = 1.0  # for what was written before the end, and for TLS to say good-bye
HIGH_WATER = 1 << 20  # octets that may wait for the socket before we stop writing


class Link(asyncio.Protocol):
    """One bind; `closed` is done with the reason once the connection is over."""

    def __init__(
        self,
        owner: Owner,
        *,
        provider: str,
        name: str,
        settings: SmppSettings,
        meanings: Mapping[int, Meaning],
        window: int,
    ) -> None:
        self.name = name
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.fell_silent = False
        self.window = Window(window, now=asyncio.get_running_loop().time())
        self._owner = owner
        self._settings = settings
        self._meanings = meanings
        self._log = log.bind(provider=provider, link=name)
        self._loop = asyncio.get_running_loop()
        self._rest = b""  # of a PDU that is not whole yet
        self._out: list[bytes] = []
        self._heard_at = self._loop.time()
        self._asked_at: float | None = None  # enquire_link without an answer yet
        self._unbinding: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._is_full = False  # the socket's buffer
        self._paused_at: float | None = None
        self._leaving = ""  # why no more is submitted; closed once the answers are here
        self._rest_until = 0.0
        self._why = ""
        self._ticks: asyncio.TimerHandle | None = None
        self._tick_due = 0.0

    # --- what the owner asks --------------------------------------------------------------------

    @property
    def free(self) -> int:
        """Messages that could be begun now."""
        if self._is_full or self._unbinding is not None or self._leaving or self._why:
            return 0
        return self.window.free

    def bind(self, role: Role, password: str) -> None:
        """Ask to be let in; `bound` is done with the status of the answer."""
        settings = self._settings
        self._write(
            pdu.by_library(
                f"bind_{role}",
                self.window.next_sequence(),
                system_id=settings.system_id,
                password=password,
                system_type=settings.system_type,
                addr_ton=settings.addr_ton,
                addr_npi=settings.addr_npi,
                address_range=settings.address_range,
            )
        )
        self.flush()

    def submit(self, outgoing: Outgoing) -> None:
        """Begin a message; parts beyond the window follow as places become free."""
        self.window.add(outgoing)
        self._write_parts()

    def rest(self, until: float) -> None:
        """Submit nothing before this moment of the loop's clock; `go_on` ends it."""
        self._rest_until = until

    def go_on(self) -> None:
        """Write what waited for the end of the rest."""
        self._write_parts()
        self.flush()

    def answer(self, command: int, sequence: int, code: int = 0) -> None:
        """Answer a request of the SMSC; `flush` sends it."""
        self._write(pdu.response(command, sequence, code))

    def flush(self) -> None:
        """Send what was written since the last time, at once and together."""
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def pause(self, paused: bool) -> None:
        """Hear no more, or again: the SMSC then waits with its next receipts."""
        if self._transport is None or self._transport.is_closing():
            return
        now = self._loop.time()
        if paused and self._paused_at is None:
            self._paused_at = now
            self._transport.pause_reading()
        elif not paused and self._paused_at is not None:
            deaf_s, self._paused_at = now - self._paused_at, None
            self._heard_at = now
            self.window.postpone(deaf_s, now)
            if self._asked_at is not None:
                self._asked_at += deaf_s
            self._transport.resume_reading()

    async def unbind(self, patience_s: float) -> None:
        """Leave politely: begin nothing more, and do not wait longer than told."""
        if self.closed.done() or self._transport is None:
            return
        self._unbinding = self._loop.create_future()
        self._write(pdu.by_library("unbind", self.window.next_sequence()))
        self.flush()
        either: set[asyncio.Future[Any]] = {self._unbinding, self.closed}
        await asyncio.wait(either, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        self.close("we unbound")
        await asyncio.wait({self.closed}, timeout=2 * LAST_WORDS_S)

    def close(self, why: str) -> None:
        """End the connection; what is unanswered stays so."""
        if self._why:
            return
        self._why = why
        if self._transport is not None:
            self.flush()
            self._transport.close()
            self._loop.call_later(LAST_WORDS_S, self._transport.abort)  # nobody may be reading

    # --- what the socket tells ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._wind()

    def data_received(self, data: bytes) -> None:
        if self._why:  # given up: what still comes is not listened to
            return
        if self._rest:
            data = self._rest + data
        end = 0
        try:
            for command, code, sequence, start, end in pdu.frames(data):
                if command == pdu.SUBMIT_SM_RESP:
                    message_id = b"" if code else pdu.read_message_id(data, start, end)
                    self._answered(sequence, code, message_id)
                else:
                    self._take(command, code, sequence, data, start, end)
        except pdu.Garbage as error:
            self.close(f"the SMSC talks garbage: {error}")
            return
        except Exception as error:
            self._log.exception("smpp_bug")
            self.close(f"our mistake ({type(error).__name__})")
            return
        if end:
            self._heard_at = self._loop.time()
        self._rest = data[end:]
        self._write_parts()
        self._owner.has_room()
        self.flush()
        if self._leaving and not self.window:
            self.close(self._leaving)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._write_parts()
        self._owner.has_room()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        if self._ticks is not None:
            self._ticks.cancel()
        why = self._why or (
            f"the connection broke ({type(error).__name__})" if error else "the SMSC hung up"
        )
        self._why = why
        for outgoing in self.window.lose(why):
            self._owner.again(outgoing)
        self.closed.set_result(why)

    # --- PDUs -----------------------------------------------------------------------------------

    def _answered(self, sequence: int, code: int, message_id: bytes) -> None:
        """The SMSC's answer to one submit_sm."""
        found = self.window.answered(sequence, self._loop.time())
        if found is None:  # given up before it came
            return
        outgoing, part = found
        if code == status.OK:
            if outgoing.accepted(part, self._owner.ref(message_id)):
                self._owner.again(outgoing)
            return
        meaning = self._meanings.get(code, "rejected")
        wants_again = outgoing.refused(part, status.say(code), meaning)
        self.window.leave_line(outgoing)
        if wants_again:
            self._owner.again(outgoing)
        if meaning == "throttled":
            self._owner.throttled(self)
        elif meaning == "rebind":
            self._leaving = f"the SMSC answered {status.say(code)}"

    def _take(
        self, command: int, code: int, sequence: int, data: bytes, start: int, end: int
    ) -> None:
        """Any PDU but the answer to a submit_sm."""
        match command:
            case pdu.DELIVER_SM | pdu.DATA_SM:
                self._hear(command, sequence, data, start, end)
            case pdu.ENQUIRE_LINK:
                self.answer(command, sequence)
            case pdu.ENQUIRE_LINK_RESP:
                self._asked_at = None
            case pdu.GENERIC_NACK:
                self._nacked(sequence, code)
            case pdu.UNBIND:
                self.answer(command, sequence)
                self.close("the SMSC unbound us")
            case pdu.UNBIND_RESP:
                if self._unbinding is not None and not self._unbinding.done():
                    self._unbinding.set_result(None)
            case pdu.OUTBIND | pdu.ALERT_NOTIFICATION:
                pass  # neither wants an answer
            case _ if command in pdu.BIND_RESPS:
                if not self.bound.done():
                    self.bound.set_result(code)
            case _ if not command & pdu.RESPONSE:
                self._log.warning("smpp_unknown_command", command=f"0x{command:08X}")
                self._write(pdu.generic_nack(sequence, status.UNKNOWN_COMMAND))

    def _hear(self, command: int, sequence: int, data: bytes, start: int, end: int) -> None:
        read = pdu.read_deliver_sm if command == pdu.DELIVER_SM else pdu.read_data_sm
        try:
            delivered = read(data, start, end)
        except pdu.Garbage as error:  # the frame is whole: the link itself is well
            self._log.error("smpp_unreadable", problem=str(error), octets=end - start)
            self.answer(command, sequence, status.RX_PERMANENT)
        else:
            self._owner.heard(self, command, sequence, delivered)

    def _nacked(self, sequence: int, code: int) -> None:
        """The SMSC did not even understand a PDU of ours."""
        self._log.error("smpp_nack", status=status.say(code))
        self._answered(sequence, code or status.UNKNOWN_COMMAND, b"")

    # --- writing --------------------------------------------------------------------------------

    def _write_parts(self) -> None:
        """Parts of the messages in line, as far as the window goes."""
        now = self._loop.time()
        if now >= self._rest_until and not (self._is_full or self._leaving or self._why):
            self._out += self.window.write(now)

    def _write(self, octets: bytes) -> None:
        self._out.append(octets)

    # --- time -----------------------------------------------------------------------------------

    def _wind(self) -> None:
        self._tick_due = self._loop.time() + self._tick_s
        self._ticks = self._loop.call_at(self._tick_due, self._tick)

    @property
    def _tick_s(self) -> float:
        return min(TICK_S, self._settings.timeout_s / 4, self._settings.enquire_link_s / 4)

    def _tick(self) -> None:
        """Look a few times a second for what takes too long."""
        now = self._loop.time()
        was_busy = now > self._tick_due + self._tick_s  # then answers may lie unread in the socket
        self._wind()
        if was_busy or self._paused_at is not None:
            return
        self._give_up_answers(now)
        timeout_s = self._settings.timeout_s
        if self._asked_at is not None:
            if now - self._asked_at > timeout_s:
                self.fell_silent = True
                self.close(f"the SMSC did not answer enquire_link within {timeout_s:g} s")
        elif self.bound.done() and now - self._heard_at >= self._settings.enquire_link_s:
            self._asked_at = now
            self._write(pdu.by_library("enquire_link", self.window.next_sequence()))
        self.flush()

    def _give_up_answers(self, now: float) -> None:
        """Submissions unanswered for too long; where nothing is answered, neither is the rest."""
        timeout_s = self._settings.timeout_s
        why = f"the SMSC did not answer within {timeout_s:g} s"
        if self.window.is_silent(now, timeout_s):
            self.fell_silent = True
            self.close(why)
        elif count := self.window.give_up_late(now, timeout_s, why):
            self._log.warning("smpp_answers_missing", count=count)
            self._owner.has_room()
