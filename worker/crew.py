"""All claimers of one provider, and the provider they send through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from outbox.db import Database
from outbox.rows import ProviderRow
from outbox.settings import Settings
from providers.base import Provider
from worker.bell import Bell, Gate
from worker.clock import Backoff, happens, jittered
from worker.health import Health
from worker.line import Line
from worker.loop import Claimer, Look, Post, Rest, Taken, bulk_post, urgent_post
from worker.pace import Pace

log = structlog.get_logger()


class Crew:
    """One urgent claimer and some bulk claimers, at work while the provider's row wants them.

    Of the bulk claimers the first sleeps at the bell; the others wait for a colleague that found
    more than it could carry. So a stream of small inserts keeps one claimer awake and notifies
    nobody, where a whole herd would run to the gate for each.
    """

    def __init__(
        self,
        row: ProviderRow,
        provider: Provider,
        *,
        db: Database,
        bell: Bell,
        settings: Settings,
        health: Health,
    ) -> None:
        self.row = row
        self.opened: Provider | None = None
        self._bell = bell
        self._settings = settings
        self._more = asyncio.Event()
        self._first_is_awake = True
        self._line = Line(
            name=row.provider,
            provider=provider,
            pace=Pace(row.tps),
            db=db,
            health=health,
            max_batch=row.max_batch,
            # A provider may take its time to answer; twice that is the least a lease can be.
            lease_s=max(settings.lease_s, 2 * provider.limits.answer_s),
        )
        self._line.has_backup = row.has_backup
        self._line.serve(has_lanes=_has_lanes(row))

    async def run(self) -> None:
        """Open the provider and work until stopped; open it again after a failure."""
        backoff = Backoff()
        while not self._line.stopping.is_set():
            try:
                async with self._line.provider:
                    log.info("provider_open", provider=self.row.provider, adapter=self.row.adapter)
                    with self._opened():
                        await self._work()
            except Exception as error:
                log.error("provider_failed", provider=self.row.provider, error=_first_line(error))
                self._line.health.trouble()
                await backoff.pause(unless=self._line.stopping)
        log.info("provider_closed", provider=self.row.provider)

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """The provider may be asked while this lasts."""
        self.opened = self._line.provider
        try:
            yield
        finally:
            self.opened = None

    def stop(self) -> None:
        """Claim no more and hand back what is not on its way; `run` ends after the rest."""
        self._line.stop()
        self._more.set()
        self._bell.ring()

    def cut(self) -> None:
        """End the sends in flight."""
        self._line.cut()

    def follow(self, row: ProviderRow) -> None:
        """Take over what may change without a new crew: pace, lanes, breaker."""
        opens = row.breaker == "open" and row.epoch != self.row.epoch
        self.row = row
        self._line.pace.set_tps(row.tps)
        self._line.has_backup = row.has_backup
        self._line.serve(has_lanes=_has_lanes(row))
        if opens:
            self._line.call_back()
        if self._line.off_duty.is_set():
            self._more.set()
            self._bell.ring()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name, claimer in self._claimers():
                tasks.create_task(claimer.run(), name=f"{self.row.provider} {name}")

    def _claimers(self) -> list[tuple[str, Claimer]]:
        urgent = urgent_post(
            limit=self._settings.urgent_limit, deliveries=self._settings.urgent_deliveries
        )
        bulk = bulk_post(limit=self._settings.claim_limit)

        def claimer(post: Post, rest: Rest, more: Callable[[], None]) -> Claimer:
            return Claimer(
                self._line,
                post=post,
                worker=self._settings.worker_name,
                rest=rest,
                found_more=more,
            )

        others = range(2, self._settings.bulk_claimers + 1)
        return [
            ("urgent", claimer(urgent, self._sleep_urgent, lambda: None)),
            ("bulk 1", claimer(bulk, self._sleep_first, self._more.set)),
            *((f"bulk {n}", claimer(bulk, self._wait_for_more, self._more.set)) for n in others),
        ]

    async def _sleep_urgent(self, look: Look) -> Taken | None:
        return await self._bell.wait_for(Gate.URGENT, look, unless=self._line.off_duty)

    async def _sleep_first(self, look: Look) -> Taken | None:
        self._first_is_awake = False
        try:
            return await self._bell.wait_for(Gate.BULK, look, unless=self._line.off_duty)
        finally:
            self._first_is_awake = True

    async def _wait_for_more(self, look: Look) -> Taken | None:
        """Wait for a call; look unasked only where the first may be stuck in a slow send."""
        while not self._line.off_duty.is_set():
            called = await happens(self._more, jittered(self._settings.poll_s))
            self._more.clear()
            if (called or self._first_is_awake) and (found := await look()) is not None:
                return found
        return None


def _has_lanes(row: ProviderRow) -> bool:
    """Whether there is anything to claim; late receipts come over its binds either way."""
    return row.lanes + row.probed_lanes > 0


def _first_line(error: Exception) -> str:
    """The first sentence of an error, also of one inside a group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0]
