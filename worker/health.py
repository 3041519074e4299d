"""What this process meets at each provider, counted for the breakers and reported every second.

Nothing here costs a message any SQL: results are counted in memory, and one call a second writes
a row for each provider (sql/functions/report_health.sql). What is judged ill is decided there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from outbox.calls import routes
from outbox.db import Database
from outbox.errors import DatabaseError
from outbox.metrics import Metrics
from outbox.rows_routes import Report
from providers.base import Accepted, Rejected, Result, Retry
from worker import clock
from worker.chores import keep

EVERY_S = 1.0
FORGET_S = 30.0  # failures further apart than this are not one row of failures
SLOW_S = 5.0  # until the provider's policy is known
STALLED_S = 6.0  # a process that was frozen hears first what came meanwhile, then speaks
UNREADY_S = 1.0  # how often "no room" counts as a failure while nothing is on its way
STEPS = 16  # answer times: within 1, 2, 4, … 16384 ms, and later


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One submission under way: `left` messages have no result yet."""

    tally: _Tally
    slow_s: float
    left: int
    heard_at: float
    longest_s: float = 0.0  # silence

    def heard(self, result: Result) -> None:
        """Count a result. Its answer time is the longest silence so far in this call.

        Not the time since the call began: an adapter may work through a batch with a few
        requests at a time, and the last of them is not slow for having waited its turn.
        """
        now = clock.now()
        if now - self.heard_at > self.longest_s:
            self.longest_s = now - self.heard_at
        self.heard_at = now
        if self.left:
            self.left -= 1
        if isinstance(result, Accepted | Rejected):
            kind = "accepted" if type(result) is Accepted else "rejected"
            self.tally.answered(now, kind, self.longest_s, self.slow_s)
        elif isinstance(result, Retry):
            self.tally.failed(now, "throttled" if result.throttled else "failed", 1)
        else:
            self.tally.failed(now, "unanswered", 1)

    def turned_away(self, *, throttled: bool) -> None:
        """What has no result was not handed over."""
        self._close("throttled" if throttled else "failed")

    def cut(self) -> None:
        """We hung up ourselves: that says nothing about the provider."""
        self.left = 0

    def end(self) -> None:
        """No more results will come: what is left has no answer."""
        self._close("unanswered")
        self.tally.calls.discard(self)

    def _close(self, kind: str) -> None:
        if self.left:
            self.tally.failed(clock.now(), kind, self.left)
            self.left = 0


@dataclass(slots=True, kw_only=True)
class _Tally:
    """One epoch of a provider's breaker: counts since the last report, and how it is now."""

    epoch: int
    counts: dict[str, int] = field(default_factory=dict)
    times: list[int] = field(default_factory=lambda: [0] * STEPS)
    answered_s: float = 0.0
    max_ms: int = 0
    calls: set[Call] = field(default_factory=set)
    heard_at: float = float("-inf")
    failing: int = 0
    failing_since: float = 0.0
    failed_at: float = float("-inf")
    is_told: bool = True  # the last report said that nothing is outstanding nor failing

    def answered(self, now: float, kind: str, seconds: float, slow_s: float) -> None:
        """Called for nearly every message, so it is written out: half the price of small calls."""
        counts = self.counts
        counts[kind] = counts.get(kind, 0) + 1
        self.heard_at = now
        self.failing = 0
        milliseconds = int(seconds * 1000)
        step = milliseconds.bit_length()
        self.times[step if step < STEPS else STEPS - 1] += 1
        self.answered_s += seconds
        if milliseconds > self.max_ms:
            self.max_ms = milliseconds
        if seconds > slow_s:
            counts["slow"] = counts.get("slow", 0) + 1

    def failed(self, now: float, kind: str, messages: int) -> None:
        self._count(kind, messages)
        self.fails(now, messages)

    def fails(self, now: float, times: int) -> None:
        """One more of a row of failures with nothing accepted between them."""
        if not self.failing or now - self.failed_at > FORGET_S:
            self.failing, self.failing_since = 0, now
        self.failing += times
        self.failed_at = now

    def report(self, provider: str) -> Report | None:
        """What is to be told, and the counts start anew; None when there is nothing to tell."""
        now = clock.now()
        if now - self.failed_at > FORGET_S:
            self.failing = 0
        waiting = [call for call in self.calls if call.left]
        is_quiet = not waiting and not self.failing
        if is_quiet and self.is_told and not self.counts:
            return None
        report = Report(
            provider=provider,
            epoch=self.epoch,
            counts=self.counts,
            outstanding=sum(call.left for call in waiting),
            overdue=sum(call.left for call in waiting if now - call.heard_at > call.slow_s),
            silence_s=self.silence(now, waiting),
            failing=self.failing,
            failing_s=now - self.failing_since if self.failing else 0.0,
            times=self.times,
            answered_s=self.answered_s,
            max_ms=self.max_ms,
        )
        self.counts, self.times, self.answered_s, self.max_ms = {}, [0] * STEPS, 0.0, 0
        self.is_told = is_quiet
        return report

    def put_back(self, report: Report) -> None:
        """It could not be told: count it again next time."""
        for kind, count in report.counts.items():
            self._count(kind, count)
        self.times = [a + b for a, b in zip(self.times, report.times, strict=True)]
        self.answered_s += report.answered_s
        self.max_ms = max(self.max_ms, report.max_ms)
        self.is_told = False

    def silence(self, now: float, waiting: list[Call]) -> float:
        """Seconds since anything was heard while something waited."""
        if not waiting:
            return 0.0
        return now - max(self.heard_at, min(call.heard_at for call in waiting))

    def _count(self, kind: str, messages: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + messages


class Health:
    """One provider as this process meets it; survives the crew that works for it."""

    def __init__(self) -> None:
        self.slow_s = SLOW_S
        self._now = _Tally(epoch=0)
        self._past: list[_Tally] = []
        self._unready_at = float("-inf")

    def follow(self, *, epoch: int, slow_s: float) -> None:
        """The breaker moved: what begins from now on is counted apart from what began before."""
        self.slow_s = slow_s
        if epoch != self._now.epoch:
            self._past.append(self._now)
            self._now = _Tally(epoch=epoch)

    def call(self, messages: int) -> Call:
        """A submission begins; its owner calls `heard`, and `end` when it is over."""
        call = Call(tally=self._now, slow_s=self.slow_s, left=messages, heard_at=clock.now())
        self._now.calls.add(call)
        return call

    def silence_s(self) -> float:
        """Seconds since anything was heard from it while something waits."""
        return self._now.silence(clock.now(), [call for call in self._now.calls if call.left])

    def trouble(self) -> None:
        """The provider could not be opened, or asked for its room."""
        self._now.failed(clock.now(), "troubles", 1)

    def unready(self) -> None:
        """It has no room though nothing is on its way to it: its link is down, or it rests.

        No error of any message, but where it lasts with nothing accepted it is as bad.
        """
        now = clock.now()
        if now - self._unready_at >= UNREADY_S and not any(call.left for call in self._now.calls):
            self._unready_at = now
            self._now.fails(now, 1)

    def report(self, provider: str) -> list[Report]:
        """What is to be told of each epoch that still has something."""
        tallies = [*self._past, self._now]
        reports = [report for tally in tallies if (report := tally.report(provider)) is not None]
        self._past = [tally for tally in self._past if tally.calls or not tally.is_told]
        return reports

    def put_back(self, report: Report) -> None:
        """A report did not arrive."""
        for tally in (*self._past, self._now):
            if tally.epoch == report.epoch:
                tally.put_back(report)


async def keep_reporting(
    db: Database,
    healths: Callable[[], Mapping[str, Health]],
    *,
    worker: str,
    stopping: asyncio.Event,
    metrics: Metrics,
) -> None:
    """Tell the database every second what this process met, through any outage."""

    looked_at = clock.now()

    async def once() -> int:
        nonlocal looked_at
        stalled = clock.now() - looked_at > STALLED_S
        looked_at = clock.now()
        if not stalled:
            metrics.results(await tell(db, worker, healths()))
        return 0

    await keep("report_health", EVERY_S, once, stopping)


async def tell(db: Database, worker: str, known: Mapping[str, Health]) -> list[Report]:
    """Report once, and tell what arrived; what did not is counted again next time."""
    reports = [report for name, health in known.items() for report in health.report(name)]
    if not reports:
        return []
    try:
        await db.call(routes.report_health, worker=worker, reports=reports)
    except DatabaseError:
        for report in reports:
            known[report.provider].put_back(report)
        raise
    return reports
