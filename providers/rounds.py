"""What adapters that make one HTTP request a message (or a group of them) have in common."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import httpx
from structlog.typing import FilteringBoundLogger

from providers.base import Message, Result, Retry

# Whoever met one of these has not sent a byte of the request.
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)

Job = TypeVar("Job")


@dataclass(slots=True, kw_only=True)
class Round:
    """One batch under way, shared by its runners."""

    until: float = math.inf  # monotonic; no submission begins after it
    halted_by: str | None = None  # the trouble that ended it early

    def closed(self, pause_s: float) -> tuple[str, timedelta] | None:
        """Why no further submission may begin, and how long to wait; None while it may."""
        if self.halted_by is not None:
            return self.halted_by, timedelta(seconds=pause_s)
        if time.monotonic() >= self.until:
            return "no time left to submit", timedelta(0)
        return None


class Rest:
    """After trouble an account rests, then takes one message to try, then all of them again."""

    def __init__(self, *, log: FilteringBoundLogger, event: str, pause_s: float) -> None:
        self._log = log
        self._event = event
        self._pause_s = pause_s
        self._until: float | None = None  # None: no trouble

    def begin(self, trouble: str, pause_s: float | None = None) -> None:
        """Rest from now on; `trouble` goes into the log, so it names neither number nor text."""
        pause_s = self._pause_s if pause_s is None else pause_s
        if self._until is None:
            self._log.error(f"{self._event}_trouble", trouble=trouble, rest_s=pause_s)
        self._until = time.monotonic() + pause_s

    def end(self) -> None:
        """An answer came: all is well."""
        if self._until is not None:
            self._log.info(f"{self._event}_well_again")
            self._until = None

    @property
    def is_on(self) -> bool:
        """Whether nothing at all may be handed over now."""
        return self._until is not None and time.monotonic() < self._until

    def room(self, room: int | None) -> int | None:
        """How many of `room` messages (None: any number) may be handed over now."""
        if self.is_on:
            return 0
        if self._until is None:
            return room
        return 1 if room is None else min(1, room)


def later(message: Message, detail: str, after: timedelta) -> Retry:
    """Not handed over, and not this message's fault."""
    return Retry(id=message.id, detail=detail, after=after, throttled=True)


async def share_out(
    jobs: Sequence[Job],
    work: Callable[[Job], Awaitable[Sequence[Result]]],
    *,
    width: int,
    name: str,
) -> AsyncGenerator[Result, None]:
    """Let `width` runners do the jobs, yield results as they come; closed early, cancel them.

    `work` answers for every message of its job and raises nothing.
    """
    answers: asyncio.Queue[Sequence[Result]] = asyncio.Queue()
    left: Iterator[Job] = iter(jobs)

    async def run() -> None:
        for job in left:
            answers.put_nowait(await work(job))

    runners = [
        asyncio.create_task(run(), name=f"{name} runner") for _ in range(min(width, len(jobs)))
    ]
    try:
        for _ in jobs:
            for result in await answers.get():
                yield result
    finally:
        for runner in runners:
            runner.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*runners, return_exceptions=True)
