"""Waiting that ends early, pauses that never fall into step, and the lease as a deadline."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
MARGIN_S: Final = 5.0  # of a lease, or a quarter of it, kept free for answers and settling

now = time.monotonic
"""The clock of all deadlines in the worker: asyncio's own, and it never jumps."""


def jittered(seconds: float) -> float:
    """Between three and five quarters of `seconds`, so that a herd falls apart."""
    return seconds * random.uniform(0.75, 1.25)


async def happens(event: asyncio.Event, within_s: float) -> bool:
    """Wait for the event at most `within_s` seconds; true when it came."""
    if event.is_set():
        return True
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Backoff:
    """Pauses between tries: doubled each time, with full jitter, never longer than `longest_s`."""

    def __init__(self, *, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._longest_s = longest_s
        self._next_s = FIRST_PAUSE_S

    def reset(self) -> None:
        """It worked: the next trouble starts small again."""
        self._next_s = FIRST_PAUSE_S

    async def pause(self, unless: asyncio.Event | None = None) -> None:
        """Sleep, or less when `unless` happens."""
        seconds = jittered(self._next_s)
        self._next_s = min(self._next_s * 2, self._longest_s)
        if unless is None:
            await asyncio.sleep(seconds)
        else:
            await happens(unless, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim's time limit on our own monotonic clock, counted from before the claim was asked for.

    So it ends here before it ends in the database, whatever the call took.
    """

    claim_id: int
    starts: float
    send_until: float  # no submission begins after this moment
    answer_until: float  # answers later than this could not be settled in time

    @classmethod
    def starting(
        cls, started: float, *, claim_id: int, lease_s: float, answer_s: float = 0.0
    ) -> Lease:
        """The lease of a claim whose call began at `started`; `answer_s`: a provider's slowest."""
        margin_s = min(MARGIN_S, lease_s / 4)
        return cls(
            claim_id=claim_id,
            starts=started,
            send_until=started + lease_s - max(margin_s, answer_s),
            answer_until=started + lease_s - margin_s / 4,
        )

    def may_send(self) -> bool:
        return now() < self.send_until
