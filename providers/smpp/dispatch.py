"""Batches on their way into windows: urgent ones first, the others in turn, none while we rest.

What no bind can take any more goes back to the queue in the database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import structlog

from providers.base import Rejected, Retry
from providers.smpp import pdu
from providers.smpp.ids import MessageIds
from providers.smpp.link import Link
from providers.smpp.outgoing import Job, Outgoing, later
from providers.smpp.segment import Unsendable
from providers.smpp.settings import SmppSettings
from providers.smpp.submit import Submits

log = structlog.get_logger()

NO_BIND = "no bind to the SMSC"
NO_TIME = "no time left to submit"
NO_ROOM = "no window had room for it"

Heard = Callable[[Link, int, int, pdu.Delivered], None]


class Dispatch:
    """Feeds the links of one account, and is told by them (their `Owner`)."""

    def __init__(
        self, *, provider: str, settings: SmppSettings, ids: MessageIds, heard: Heard
    ) -> None:
        self._settings = settings
        self._ids = ids
        self._heard = heard
        self._submits = Submits(settings)
        self._log = log.bind(provider=provider)
        self._loop = asyncio.get_running_loop()
        self._senders: list[Link] = []
        self._urgent: deque[Job] = deque()
        self._bulk: deque[Job] = deque()
        self._resumed: deque[Outgoing] = deque()  # begun, to be gone on with
        self._rest_until = 0.0
        self._is_closing = False
        self._is_feeding = False
        self._moved_at = 0.0  # when a message was begun, or the first came to wait
        self._watch: asyncio.TimerHandle | None = None

    @property
    def has_senders(self) -> bool:
        """Whether any bind takes submissions."""
        return bool(self._senders)

    @property
    def is_idle(self) -> bool:
        """Whether no submission is without its answer."""
        return all(link.window.is_idle for link in self._senders)

    # --- links come and go ----------------------------------------------------------------------

    def add(self, link: Link) -> None:
        """One more link that takes submissions."""
        link.rest(self._rest_until)
        self._senders.append(link)
        self._go_on()

    def remove(self, link: Link) -> None:
        """A link is over; the others go on with what it had not written."""
        self._senders.remove(link)
        self._go_on()

    def close(self) -> None:
        """Begin nothing more."""
        self._is_closing = True
        if self._watch is not None:
            self._watch.cancel()
        self._give_back("the provider is being closed")

    # --- batches --------------------------------------------------------------------------------

    def take(self, job: Job) -> None:
        """Send a batch as windows allow; its results come by themselves."""
        if self._watch is None:
            self._moved_at = self._loop.time()
            self._watch = self._loop.call_later(self._settings.room_wait_s / 4, self._look)
        (self._urgent if job.is_urgent else self._bulk).append(job)
        self._go_on()

    def drop(self, job: Job) -> None:
        """Its caller is gone, or has everything."""
        job.close()
        for jobs in (self._urgent, self._bulk):
            if job in jobs:
                jobs.remove(job)

    def expire(self, job: Job) -> None:
        """Its time to begin submissions is over."""
        job.give_back(NO_TIME, timedelta(0))

    def room(self) -> int:
        """Free places of all windows."""
        if self._is_closing or self._rests():
            return 0
        return sum(max(0, link.free) for link in self._senders)

    def _rests(self) -> bool:
        return self._loop.time() < self._rest_until

    def _go_on(self) -> None:
        """Write what may be written; without a single bind nothing waits here."""
        if not self._senders:
            self._give_back(NO_BIND)
            return
        for link in self._senders:
            link.go_on()
        self.has_room()
        for link in self._senders:
            link.flush()

    def _look(self) -> None:
        """Where nothing moves, what has not begun shall not wait for the SMSC to wake up."""
        self._watch = None
        if not (self._urgent or self._bulk):
            return
        wait_s = self._settings.room_wait_s
        if self._loop.time() - self._moved_at >= wait_s:
            for job in (*self._urgent, *self._bulk):
                job.give_back(NO_ROOM)
        self._watch = self._loop.call_later(wait_s / 4, self._look)

    def _give_back(self, why: str) -> None:
        """Nothing that waits here will be sent."""
        for job in (*self._urgent, *self._bulk):
            job.give_back(why)
        while self._resumed:
            self._resumed.popleft().abandon(why)

    # --- what links tell ------------------------------------------------------------------------

    def ref(self, message_id: bytes) -> str:
        """The SMSC's id of a part, in the form that receipts will have."""
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
        self._rest_until = self._loop.time() + self._settings.throttle_s
        self._log.warning("smpp_throttled", link=link.name, rest_s=self._settings.throttle_s)
        for sender in self._senders:
            sender.rest(self._rest_until)
        self._loop.call_at(self._rest_until, self._go_on)

    def has_room(self) -> None:
        """Begin messages while a window has a place for them."""
        if self._is_feeding or self._is_closing or self._rests():
            return
        self._is_feeding = True
        try:
            while (link := self._freest()) is not None:
                if (outgoing := self._next()) is None:
                    return
                self._moved_at = self._loop.time()
                link.submit(outgoing)
        finally:
            self._is_feeding = False

    def _freest(self) -> Link | None:
        """The sender with the most free places."""
        best, most = None, 0
        for link in self._senders:
            if (free := link.free) > most:
                best, most = link, free
        if best is not None and best.window.has_answered:
            best.window.size = self._settings.window  # no more on trial
        return best

    def _next(self) -> Outgoing | None:
        """The message to begin, or to go on with, now."""
        while self._resumed:
            outgoing = self._resumed.popleft()
            job = outgoing.job
            if outgoing.is_begun or (job.is_open and self._loop.time() < job.until):
                return outgoing
            outgoing.abandon(NO_TIME)
        for jobs in (self._urgent, self._bulk):
            while jobs:
                job = jobs[0]
                if begun := self._begin(job):
                    jobs.rotate(-1)
                    return begun
                jobs.popleft()
        return None

    def _begin(self, job: Job) -> Outgoing | None:
        """The first message of a batch that can be sent; the others get their results."""
        if self._loop.time() >= job.until:
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
