"""The binds of one account: kept up, fed from batches, and rested when it says "too fast".

Batches wait here until a window has room, urgent ones first, the others in turn. What no bind can
take any more goes back to the queue in the database.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from providers.base import Rejected, Retry
from providers.smpp import pdu, status
from providers.smpp.ids import MessageIds
from providers.smpp.link import Link, Role
from providers.smpp.outgoing import Job, Outgoing, later
from providers.smpp.segment import Unsendable
from providers.smpp.settings import SmppSettings, host_and_port
from providers.smpp.submit import Submits

log = structlog.get_logger()

SOUND_S = 60.0  # a bind that lived so long, or answered a submission, was no failure
NO_BIND = "no bind to the SMSC"
UNBIND_S = 3.0  # for the SMSC's answer to our unbind

Heard = Callable[[Link, int, int, pdu.Delivered], None]


class Refused(Exception):
    """The SMSC does not let us in."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the SMSC refused our bind: {status.say(code)}")
        self.is_for_long = code in status.REFUSED_FOR_LONG


@dataclass(slots=True)
class _Slot:
    """A bind that should be there, and how its last tries went."""

    name: str
    role: Role
    pause_s: float
    tries: int = 0
    is_on_trial: bool = False  # the last link went silent: one message at a time at first


class Binds:
    """All sessions of one account."""

    def __init__(
        self,
        *,
        provider: str,
        settings: SmppSettings,
        password: str,
        tls: ssl.SSLContext | None,
        ids: MessageIds,
        heard: Heard,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._password = password
        self._tls = tls
        self._ids = ids
        self._heard = heard
        self._submits = Submits(settings)
        self._meanings = status.meanings(settings.statuses)
        self._log = log.bind(provider=provider)
        self._links: list[Link] = []  # bound, of any role
        self._senders: list[Link] = []  # of these, the ones that take submissions
        self._urgent: deque[Job] = deque()
        self._bulk: deque[Job] = deque()
        self._resumed: deque[Outgoing] = deque()  # begun, to be gone on with
        self._rest_until = 0.0
        self._is_closing = False
        self._is_deaf = False
        self._pumping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._slots = [
            _Slot(name=f"{role} {number}", role=role, pause_s=settings.reconnect_s)
            for number in range(1, settings.binds + 1)
            for role in _roles(settings)
        ]

    # --- life -----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to bind; returns when one sender is bound, or when the first tries have failed."""
        self._first_tries = {slot.name for slot in self._slots if slot.role != "receiver"}
        self._opened = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._keep(slot), name=f"{self._provider} {slot.name}")
            for slot in self._slots
        ]
        await self._opened

    async def close(self) -> None:
        """Unbind everywhere, after the answers that are still due."""
        self._is_closing = True
        for job in (*self._urgent, *self._bulk):
            job.give_back("the provider is being closed")
        await self._wait_for_answers()
        await asyncio.gather(*(link.unbind(UNBIND_S) for link in list(self._links)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for_answers(self) -> None:
        """What is unanswered when we unbind would stay so."""
        until = asyncio.get_running_loop().time() + self._settings.timeout_s
        while not all(link.is_idle for link in self._senders):
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(0.02)

    async def _keep(self, slot: _Slot) -> None:
        """One bind for as long as we live: connect, wait for its end, pause, again."""
        while not self._is_closing:
            try:
                link = await self._connect(slot)
            except Refused as error:
                self._failed(slot, str(error))
                if error.is_for_long:  # accounts get locked by those who hammer
                    slot.pause_s = max(slot.pause_s, self._settings.refused_s)
            except (OSError, TimeoutError, ssl.SSLError) as error:
                self._failed(slot, str(error) or type(error).__name__)
            except Exception:  # a mistake of ours must not end the bind for ever
                self._log.exception("smpp_bug", link=slot.name)
                self._tried(slot)
            else:
                await self._serve(slot, link)
            if not self._is_closing:
                await self._pause(slot)

    async def _connect(self, slot: _Slot) -> Link:
        """A bound link; each try takes the next address."""
        settings = self._settings
        place = self._slots.index(slot) // len(_roles(settings)) + slot.tries
        host, port = host_and_port(settings.addresses[place % len(settings.addresses)])
        slot.tries += 1
        make = partial(
            Link,
            self,
            provider=self._provider,
            name=slot.name,
            settings=settings,
            meanings=self._meanings,
            window=1 if slot.is_on_trial else settings.window,
        )
        async with asyncio.timeout(settings.timeout_s):
            _, link = await asyncio.get_running_loop().create_connection(
                make,
                host,
                port,
                ssl=self._tls,
                server_hostname=(settings.tls_server_name or host) if self._tls else None,
            )
            link.bind(slot.role, self._password)
            either: set[asyncio.Future[Any]] = {link.bound, link.closed}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            except BaseException:
                link.close("no answer to our bind")
                raise
        if not link.bound.done():
            raise ConnectionError(link.closed.result())
        if code := link.bound.result():
            link.close("not let in")
            raise Refused(code)
        return link

    async def _serve(self, slot: _Slot, link: Link) -> None:
        """Use a bound link until it ends."""
        began = asyncio.get_running_loop().time()
        self._log.info("smpp_bound", link=slot.name)
        self._links.append(link)
        link.pause(self._is_deaf)
        if slot.role != "receiver":
            self._senders.append(link)
        self._tried(slot)
        self.has_room()
        link.flush()
        try:
            why = await asyncio.shield(link.closed)
        finally:
            self._links.remove(link)
            if link in self._senders:
                self._senders.remove(link)
        if not self._is_closing:
            self._log.error("smpp_link_lost", link=slot.name, why=why)
        slot.is_on_trial = link.fell_silent
        if link.has_answered or asyncio.get_running_loop().time() - began > SOUND_S:
            slot.pause_s = self._settings.reconnect_s
        self._after_loss()

    def _failed(self, slot: _Slot, why: str) -> None:
        self._log.error("smpp_bind_failed", link=slot.name, why=why)
        self._tried(slot)

    def _tried(self, slot: _Slot) -> None:
        """`open` waits for the first sender, or for every first try."""
        self._first_tries.discard(slot.name)
        if (self._senders or not self._first_tries) and not self._opened.done():
            self._opened.set_result(None)

    async def _pause(self, slot: _Slot) -> None:
        seconds, longest = slot.pause_s, self._settings.reconnect_max_s
        slot.pause_s = min(2 * seconds, longest)
        await asyncio.sleep(seconds * random.uniform(0.75, 1.25))

    # --- batches --------------------------------------------------------------------------------

    def take(self, job: Job) -> None:
        """Send a batch as windows allow; its results come by themselves."""
        (self._urgent if job.is_urgent else self._bulk).append(job)
        self.has_room()
        self._flush()
        if not self._senders:
            self._after_loss()

    def drop(self, job: Job) -> None:
        """Its caller is gone, or has everything."""
        job.close()
        for jobs in (self._urgent, self._bulk):
            if job in jobs:
                jobs.remove(job)

    def expire(self, job: Job) -> None:
        """Its time to begin submissions is over."""
        job.give_back("no time left to submit", timedelta(0))

    def room(self) -> int:
        """Free places of all windows."""
        if self._is_closing or self._rests():
            return 0
        return sum(max(0, link.free) for link in self._senders)

    def hear(self, wanted: bool) -> None:
        """Read on, or let the SMSC wait with what it has for us."""
        self._is_deaf = not wanted
        for link in self._links:
            link.pause(not wanted)

    def _rests(self) -> bool:
        return asyncio.get_running_loop().time() < self._rest_until

    def _wake(self) -> None:
        """The rest is over."""
        for link in self._senders:
            link.go_on()
        self._after_loss()

    def _after_loss(self) -> None:
        """Without a single bind nothing waits here."""
        if self._senders:
            self.has_room()
            self._flush()
            return
        for job in (*self._urgent, *self._bulk):
            job.give_back(NO_BIND)
        while self._resumed:
            self._resumed.popleft().abandon(NO_BIND)

    def _flush(self) -> None:
        for link in self._senders:
            link.flush()

    # --- what links tell ------------------------------------------------------------------------

    def ref(self, message_id: bytes) -> str:
        text = message_id.decode("ascii", "backslashreplace")
        return self._ids.of_answer(text) if text else ""

    def heard(self, link: Link, command: int, sequence: int, delivered: pdu.Delivered) -> None:
        self._heard(link, command, sequence, delivered)

    def again(self, outgoing: Outgoing) -> None:
        self._resumed.append(outgoing)

    def throttled(self, link: Link) -> None:
        """Rest with all binds: the limit is the account's."""
        if self._rests():
            return
        loop = asyncio.get_running_loop()
        self._rest_until = loop.time() + self._settings.throttle_s
        self._log.warning("smpp_throttled", link=link.name, rest_s=self._settings.throttle_s)
        for sender in self._senders:
            sender.rest(self._rest_until)
        loop.call_at(self._rest_until, self._wake)

    def has_room(self) -> None:
        """Begin messages while a window has a place for them."""
        if self._pumping or self._rests():
            return
        self._pumping = True
        try:
            while (link := self._freest()) is not None:
                if (outgoing := self._next()) is None:
                    return
                link.submit(outgoing)
        finally:
            self._pumping = False

    def _freest(self) -> Link | None:
        """The sender with the most free places."""
        best, most = None, 0
        for link in self._senders:
            if (free := link.free) > most:
                best, most = link, free
        if best is not None and best.has_answered:
            best.window = self._settings.window
        return best

    def _next(self) -> Outgoing | None:
        """The message to begin, or to go on with, now."""
        while self._resumed:
            outgoing = self._resumed.popleft()
            if outgoing.has_more:
                return outgoing
        for jobs in (self._urgent, self._bulk):
            while jobs:
                job = jobs[0]
                if outgoing_ := self._begin(job):
                    jobs.rotate(-1)
                    return outgoing_
                jobs.popleft()
        return None

    def _begin(self, job: Job) -> Outgoing | None:
        """The first message of a batch that can be sent; the others get their results."""
        if asyncio.get_running_loop().time() >= job.until:
            self.expire(job)
        while job.left:
            message = job.left.popleft()
            try:
                if self._submits.is_over(message):
                    job.add(later(message, "expired before it was submitted", timedelta(0)))
                    continue
                return Outgoing(job, message, self._submits.bodies(message))
            except Unsendable as error:
                job.add(Rejected(id=message.id, detail=str(error)))
            except Exception as error:  # a mistake of ours must not leave the batch waiting
                self._log.exception("smpp_bug", message_id=str(message.id))
                job.add(Retry(id=message.id, detail=f"our mistake ({type(error).__name__})"))
        return None


def _roles(settings: SmppSettings) -> tuple[Role, ...]:
    return ("transceiver",) if settings.bind == "transceiver" else ("transmitter", "receiver")
