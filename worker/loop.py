"""One claimer: look for work, have it delivered, and sleep when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from outbox import calls
from outbox.errors import DatabaseError, TransientError
from outbox.rows import Claim
from worker import clock
from worker.bell import Gate
from worker.clock import Backoff, happens, jittered
from worker.deliver import deliver
from worker.line import Line

log = structlog.get_logger()

BULK_SHARE = 0.8  # of a provider's free places; the rest stays free for urgent messages
FULL_S = 0.05  # between looks at a provider that takes no more
PROBE_LIMIT = 10  # messages in a claim while nothing gets through, or nothing can be recorded
CAPACITY_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a claimer is there for: its priorities, its gate, and how much it takes at once."""

    gate: Gate
    from_priority: int
    to_priority: int
    limit: int
    deliveries: int


def urgent_post(*, limit: int, deliveries: int) -> Post:
    """Priority 0 only. Several deliveries at once: a slow answer must not hold up the next OTP."""
    return Post(
        gate=Gate.URGENT, from_priority=0, to_priority=0, limit=limit, deliveries=deliveries
    )


def bulk_post(*, limit: int) -> Post:
    """Everything but priority 0, one claim at a time."""
    return Post(gate=Gate.BULK, from_priority=1, to_priority=3, limit=limit, deliveries=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A claim that decided at least one row; `is_full` when there is probably more."""

    claim: Claim
    started: float
    recall: asyncio.Event
    is_full: bool


Look = Callable[[], Awaitable[Taken | None]]
Rest = Callable[[Look], Awaitable[Taken | None]]
"""Sleeps until a look finds something; None when the line goes off duty."""


class Claimer:
    """Claims for one provider until its line stops; then waits for its own deliveries."""

    def __init__(
        self, line: Line, *, post: Post, worker: str, rest: Rest, found_more: Callable[[], None]
    ) -> None:
        self._line = line
        self._post = post
        self._worker = worker
        self._rest = rest
        self._found_more = found_more
        self._places = asyncio.Semaphore(post.deliveries)
        self._under_way: set[asyncio.Task[None]] = set()  # each has one of the places

    async def run(self) -> None:
        """Claim and deliver while the line has lanes, until it stops."""
        more = True
        self._line.recalled.append(self._free_places)
        async with asyncio.TaskGroup() as deliveries:
            while True:
                await self._line.on_duty.wait()
                await self._places.acquire()
                taken = (await self._look() if more else None) or await self._rest(self._look)
                if taken is None and self._line.stopping.is_set():
                    return
                more = taken is None or taken.is_full
                if taken is not None and taken.is_full:
                    self._found_more()
                if taken is None or not taken.claim.ids:
                    self._places.release()
                    continue
                task = deliveries.create_task(
                    deliver(self._line, taken.claim, started=taken.started, recall=taken.recall),
                    name=f"deliver {taken.claim.claim_id}",
                )
                self._under_way.add(task)
                task.add_done_callback(self._free_place)

    def _free_place(self, task: asyncio.Task[None]) -> None:
        if task in self._under_way:
            self._under_way.discard(task)
            self._places.release()

    def _free_places(self) -> None:
        """After a recall only what is with the provider is still under way, perhaps for long."""
        for task in tuple(self._under_way):
            self._free_place(task)

    async def _look(self) -> Taken | None:
        """Claim once, through any outage; None when nothing is due, or the line goes off duty."""
        backoff = Backoff()
        complaint = ""
        while limit := await self._room():
            started, recall = clock.now(), self._line.recall
            try:
                claim = await self._claim(limit)
            except TransientError:
                await backoff.pause(unless=self._line.off_duty)
            except DatabaseError as error:
                if str(error) != complaint:
                    complaint = str(error)
                    log.error("claim_refused", provider=self._line.name, error=complaint)
                await backoff.pause(unless=self._line.off_duty)
            else:
                is_full = claim.judged >= limit
                if not claim.judged:
                    return None
                return Taken(claim=claim, started=started, recall=recall, is_full=is_full)
        return None

    async def _claim(self, limit: int) -> Claim:
        return await self._line.db.call(
            calls.claim_batch,
            provider=self._line.name,
            worker=self._worker,
            limit=limit,
            from_priority=self._post.from_priority,
            to_priority=self._post.to_priority,
            lease_s=self._line.lease_s,
        )

    async def _room(self) -> int:
        """How many messages may be claimed now; waits for at least one, 0 when it goes off duty."""
        line = self._line
        if line.is_careful:
            await line.trouble.pause(unless=line.off_duty)
        while not line.off_duty.is_set():
            if line.is_mute():
                await happens(line.off_duty, jittered(FULL_S))
                continue
            limit = min(self._post.limit, line.max_batch, line.pace.room())
            if line.is_careful:
                limit = min(limit, PROBE_LIMIT)
            if (free := await self._capacity()) is not None:
                limit = min(limit, free)
                if not free:
                    line.health.unready()
            if limit > 0:
                return limit
            await happens(line.off_duty, jittered(FULL_S))
        return 0

    async def _capacity(self) -> int | None:
        """The provider's free places for this claimer; None when it does not count them."""
        try:
            async with asyncio.timeout(CAPACITY_WAIT_S):
                free = await self._line.provider.capacity()
        except Exception as error:  # an adapter that cannot tell is an adapter that is not ready
            log.warning("capacity_unknown", provider=self._line.name, error=type(error).__name__)
            self._line.health.trouble()
            await happens(self._line.off_duty, jittered(1.0))
            return 0
        if free is None or self._post.gate is Gate.URGENT:
            return free
        return min(free, max(1, int(free * BULK_SHARE)))
