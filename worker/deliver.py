"""One claim on its way out: pace, mark, send, settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from outbox import calls
from outbox.errors import DatabaseError, TransientError
from outbox.rows import Claim
from providers.base import Message, NamesMessages, NotSubmitted, Result, Retry, Uncertain
from worker import clock
from worker.clock import Backoff, Lease
from worker.ledger import Ledger
from worker.line import Line, split, unpack

log = structlog.get_logger()

SENDS_AT_ONCE = 4  # chunks of one claim that may be with the provider at the same time
FRESH_S = 1.0  # younger claims were judged just now: no need to look at expires_at again

# Why a message is handed back unsent.
STOPPING = "the worker was stopping"
RECALLED = "its provider was not to get any more for now"
NO_TIME = "its turn would have come after the lease"
NO_MARK = "the mark could not be written"
TOO_LATE = "its validity ended while it waited for its turn"
CUT_OFF = "cut off while being handed over"


async def deliver(
    line: Line, claim: Claim, *, started: float, recall: asyncio.Event | None = None
) -> None:
    """Send what can be sent well within the lease and settle everything, results as they come.

    `started` is the monotonic moment before the claim was asked for, `recall` the line's of that
    moment: when it happens, what has not left is handed back. What cannot be settled is
    left to the lease: it returns to the queue, or is uncertain where it had been marked.
    """
    lease = Lease.starting(
        started,
        claim_id=claim.claim_id,
        lease_s=line.lease_s,
        answer_s=line.provider.limits.answer_s,
    )
    messages = unpack(claim)
    line.pace.weigh(messages=len(messages), segments=sum(m.segments for m in messages))
    ledger = Ledger(line.db, lease, messages, refused=line.refused)
    judged_at = claim.lease_until - timedelta(seconds=line.lease_s)
    delivery = _Delivery(
        line=line,
        lease=lease,
        ledger=ledger,
        judged_at=judged_at,
        recall=line.recall if recall is None else recall,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ledger.run(), name=f"settle {claim.claim_id}")
        try:
            await delivery.run(messages)
        except Exception:
            log.exception("delivery_failed", claim_id=claim.claim_id, provider=line.name)
        finally:
            ledger.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """One claim's way through pace, mark and send; `judged_at` is the database's clock."""

    line: Line
    lease: Lease
    ledger: Ledger
    judged_at: datetime
    recall: asyncio.Event

    async def run(self, messages: Sequence[Message]) -> None:
        """Give every message a result, or hand it back."""
        await self._hand_over(messages)
        for message in self.ledger.missing(messages):  # a send cut off before its first step
            self.ledger.add(Uncertain(id=message.id, detail=CUT_OFF))

    async def _hand_over(self, messages: Sequence[Message]) -> None:
        """Start a send for each chunk in its turn; from the first that may not go, hand back."""
        places = asyncio.Semaphore(SENDS_AT_ONCE)
        at_most = min(self.line.max_batch, self.line.provider.limits.max_batch)
        async with asyncio.TaskGroup() as sends, self._place_at_recall(places):
            for part in split(messages, count=at_most, segments=self.line.pace.chunk()):
                await places.acquire()
                if why := await self._get_turn(messages[part]):
                    self.ledger.release(messages[part.start :], why)
                    return
                chunk = self._still_valid(messages[part])
                if not chunk:
                    places.release()
                    continue
                if why := await self._mark(chunk):
                    self.ledger.release(messages[part.start :], why)
                    return
                task = sends.create_task(self._send(chunk), name=f"send {self.lease.claim_id}")
                self.line.sends.add(task)
                task.add_done_callback(self.line.sends.discard)
                task.add_done_callback(lambda _: places.release())

    @asynccontextmanager
    async def _place_at_recall(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        """A recall frees a place: who waits for a slow provider shall hear of it at once."""

        async def free_one() -> None:
            await self.recall.wait()
            places.release()

        task = asyncio.create_task(free_one(), name=f"recall {self.lease.claim_id}")
        try:
            yield
        finally:
            task.cancel()

    async def _get_turn(self, chunk: Sequence[Message]) -> str | None:
        """Wait for the pace; the reason why this chunk may not go, if there is one."""
        if why := self._recalled():
            return why
        segments = sum(message.segments for message in chunk)
        urgent = chunk[0].priority == 0
        in_time = await self.line.pace.take(
            segments, urgent=urgent, until=self.lease.send_until, unless=self.recall
        )
        return self._recalled() or (None if in_time else NO_TIME)

    def _recalled(self) -> str | None:
        """Why nothing more may leave, where that is so."""
        if not self.recall.is_set():
            return None
        return STOPPING if self.line.stopping.is_set() else RECALLED

    def _still_valid(self, chunk: Sequence[Message]) -> Sequence[Message]:
        """Without those whose validity ended since the claim was judged: the next claim says so."""
        waited = clock.now() - self.lease.starts
        if waited < FRESH_S:
            return chunk
        database_now = self.judged_at + timedelta(seconds=waited)
        stale = [message for message in chunk if message.expires_at <= database_now]
        self.ledger.release(stale, TOO_LATE)
        return [m for m in chunk if m.expires_at > database_now] if stale else chunk

    async def _mark(self, chunk: Sequence[Message]) -> str | None:
        """Commit that these are about to leave; a reason not to send them, if there is one.

        The lease is looked at before the mark and after it: only what is marked and still within
        the lease may leave.
        """
        backoff = Backoff()
        keys = names.keys(chunk) if isinstance(names := self.line.provider, NamesMessages) else None
        while self.lease.may_send() and not self.recall.is_set():
            try:
                ours = await self.line.db.call(
                    calls.mark_submitting,
                    claim_id=self.lease.claim_id,
                    ids=[message.id for message in chunk],
                    keys=keys,
                )
            except TransientError:
                await backoff.pause(unless=self.recall)
                continue
            except DatabaseError as error:
                self.line.refused.add("mark")
                log.error("mark_refused", claim_id=self.lease.claim_id, error=str(error))
                return NO_MARK
            self.line.refused.discard("mark")
            if not ours:
                log.warning("lease_lost", claim_id=self.lease.claim_id, provider=self.line.name)
                return NO_TIME
            break
        if not self.lease.may_send():
            return NO_TIME
        return self._recalled()

    async def _send(self, chunk: Sequence[Message]) -> None:
        """Hand one chunk to the provider; afterwards each of its messages has a result."""
        turned_away = self.ledger.turned_away
        call = self.line.health.call(len(chunk))
        detail = "no answer from the provider"
        try:
            async with asyncio.timeout_at(self.lease.answer_until), self._results(chunk) as results:
                async for result in results:
                    self.ledger.add(result)
                    call.heard(result)
        except NotSubmitted as error:
            self._retry(chunk, error)
            call.turned_away(throttled=error.throttled)
        except TimeoutError:
            detail = "no answer from the provider before the lease ended"
        except asyncio.CancelledError:
            detail = CUT_OFF
            call.cut()
            raise
        except Exception as error:
            detail = f"{type(error).__name__} while being handed over"
            log.error(
                "send_failed", provider=self.line.name, error=f"{type(error).__name__}: {error}"
            )
        finally:
            missing = self.ledger.missing(chunk)
            for message in missing:
                self.ledger.add(Uncertain(id=message.id, detail=detail))
            call.end()
        self.line.note(
            sent=len(chunk),
            turned_away=self.ledger.turned_away - turned_away,
            unanswered=len(missing),
        )

    @asynccontextmanager
    async def _results(self, chunk: Sequence[Message]) -> AsyncIterator[AsyncIterator[Result]]:
        """The provider's answers, its generator closed however this ends."""
        results = self.line.provider.send(chunk, until=self.lease.send_until)
        try:
            yield results
        finally:
            if (close := getattr(results, "aclose", None)) is not None:
                await close()

    def _retry(self, chunk: Sequence[Message], error: NotSubmitted) -> None:
        for message in self.ledger.missing(chunk):
            self.ledger.add(
                Retry(
                    id=message.id,
                    detail=str(error),
                    after=error.after,
                    throttled=error.throttled,
                )
            )
