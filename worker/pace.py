"""How fast one provider is fed: a token bucket of segments that yields when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from worker import clock

# Within any second at most rate x (1 + BURST_S) segments leave: the contract's TPS plus a fifth.
BURST_S = 0.2
CHUNK_S = 0.1  # what is handed over in one go, so that urgent messages find gaps
CLAIM_S = 1.0  # what is claimed ahead

LOOK_S = 0.25  # a waiting taker sees a changed pace or a stop so soon

SLOWER = 0.7  # after "throttled", at most once in SLOWER_EVERY_S
SLOWER_EVERY_S = 1.0
FASTER = 1.05  # each second without, once CALM_S have passed
CALM_S = 2.0
SLOWEST_SHARE = 0.02  # of the TPS
SLOWEST = 0.5  # segments/s


class Pace:
    """Token bucket of one provider in this process, shared by all its claimers.

    Urgent takers may overdraw it by one burst, so they never queue behind bulk; bulk waits until
    the debt is paid, in the order of asking.
    """

    def __init__(self, tps: float, *, now: Callable[[], float] = clock.now) -> None:
        self._now = now
        self._tps = self._rate = tps
        self._balance = self._burst
        self._filled_at = self._calm_at = now()
        self._slowed_at = float("-inf")
        self._sent_s = 0.0  # segments of about the last second, decaying
        self._segments_each = 1.0
        self._queue = asyncio.Lock()

    @property
    def rate(self) -> float:
        """Segments a second at present: the TPS, or less after throttling."""
        self._fill()
        return self._rate

    @property
    def _burst(self) -> float:
        return max(1.0, self._rate * BURST_S)

    def set_tps(self, tps: float) -> None:
        """Follow the provider's row; a slower pace found by throttling stays."""
        self._fill()
        self._rate = tps if self._rate >= self._tps else min(self._rate, tps)
        self._tps = tps

    def room(self) -> int:
        """How many messages to claim so that they leave within about a second, at least one."""
        return max(1, int(self.rate * CLAIM_S / self._segments_each))

    def chunk(self) -> int:
        """How many segments to hand over in one go, at least one."""
        return max(1, int(self.rate * CHUNK_S))

    def weigh(self, *, messages: int, segments: int) -> None:
        """Learn how long texts are at present."""
        if messages:
            self._segments_each += (segments / messages - self._segments_each) * 0.2

    async def take(
        self, segments: int, *, urgent: bool, until: float, unless: asyncio.Event
    ) -> bool:
        """Wait for these segments' turn; false when it would come after the moment `until`, or
        `unless` happened."""
        if urgent:
            return await self._take(segments, -self._burst, until, unless)
        async with self._queue:
            return await self._take(segments, 0.0, until, unless)

    async def _take(self, segments: int, floor: float, until: float, unless: asyncio.Event) -> bool:
        while (pause := self._pause(segments, floor)) > 0:
            if unless.is_set() or self._now() + pause > until:
                return False
            await asyncio.sleep(min(pause, LOOK_S))
        self._balance -= segments
        self._sent_s += segments
        return True

    def _pause(self, segments: int, floor: float) -> float:
        """Seconds until the bucket holds what this taker needs."""
        self._fill()
        lack = min(float(segments), self._burst) + floor - self._balance
        # Rounding must not make a pause of nothing that is asked for again and again.
        return max(lack / self._rate, 0.001) if lack > 1e-9 else 0.0

    def throttled(self) -> None:
        """The provider said: too fast."""
        self._fill()
        self._calm_at = self._filled_at
        if self._filled_at - self._slowed_at < SLOWER_EVERY_S:
            return
        self._slowed_at = self._filled_at
        # Where the nominal pace is far above what really goes out, the latter is what to lower.
        lower = min(self._rate, max(self._sent_s, 1.0)) * SLOWER
        self._rate = min(self._rate, max(lower, SLOWEST, self._tps * SLOWEST_SHARE))
        self._balance = min(self._balance, 0.0)

    def _fill(self) -> None:
        now = self._now()
        passed = now - self._filled_at
        if passed <= 0:
            return
        self._filled_at = now
        self._sent_s *= max(0.0, 1.0 - passed)
        calm = now - max(self._calm_at + CALM_S, now - passed)
        if self._rate < self._tps and calm > 0:
            self._rate = min(self._tps, self._rate * FASTER ** min(calm, 600.0))
        self._balance = min(self._burst, self._balance + passed * self._rate)
