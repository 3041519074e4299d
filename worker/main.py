"""The worker process: bell, crews and chores in one event loop, and how they end."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog

from outbox import calls
from outbox.calls import monitoring
from outbox.db import Database, find_dsn, open_database, try_out
from outbox.metrics import Metrics
from outbox.receipts import Inbound, InboundBatcher, Receipt, ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import Settings
from worker.asking import Inquirer
from worker.bell import Bell
from worker.chores import CHORES, WOKEN, keep_doing
from worker.health import keep_reporting
from worker.roster import Roster
from worker.terms import warn_of_clear_settings
from worker.webhook import Webhook

log = structlog.get_logger()

CONNECTIONS = 16
SETTLE_S = 10.0  # after the grace period, to write what is known


class Stop:
    """Asked once: end well. Asked twice: end now."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.now = asyncio.Event()

    def ask(self) -> None:
        """End well; at the second time, at once."""
        (self.now if self.asked.is_set() else self.asked).set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT ask."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self.ask)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What the parts of one process share."""

    settings: Settings
    db: Database
    receipts: ReceiptBatcher
    inbound: InboundBatcher
    metrics: Metrics

    async def run(
        self, stop: Stop, *, told: Callable[[Sequence[ProviderRow]], None] = lambda rows: None
    ) -> None:
        """Send until asked to stop; then hand back what is not on its way and settle the rest."""
        settings = self.settings
        dsn = (settings.listen_dsn or find_dsn(settings)) if settings.listens else None
        bell = Bell(dsn, name=f"{_APPLICATION} bell", poll_s=settings.poll_s, chores=WOKEN)
        roster = Roster(
            db=self.db,
            bell=bell,
            settings=settings,
            receipts=self.receipts,
            inbound=self.inbound,
            told=told,
        )
        log.info("worker_started", worker=settings.worker_name)
        warn_of_clear_settings(settings)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bell.run(), name="bell")
            chores = [
                tasks.create_task(
                    keep_doing(chore, self.db, stop.asked, woken=bell.alarms.get(chore.number)),
                    name=chore.name,
                )
                for chore in CHORES
            ]
            crews = tasks.create_task(roster.run(stop.asked), name="roster")
            inquirer = Inquirer(self.db, roster.opened)
            chores.append(tasks.create_task(inquirer.run(stop.asked), name="inquirer"))
            reporting = keep_reporting(
                self.db,
                lambda: roster.healths,
                worker=settings.worker_name,
                stopping=stop.asked,
                metrics=self.metrics,
            )
            chores.append(tasks.create_task(reporting, name="report health"))
            if settings.metrics_port is not None:
                asking = self.metrics.keep_fresh(self._ask_values, stop.asked)
                chores.append(tasks.create_task(asking, name="metrics"))
            if settings.webhook_url is not None:
                webhook = Webhook(self.db, settings.webhook_url.get_secret_value())
                chores.append(tasks.create_task(webhook.run(stop.asked), name="webhook"))
            await stop.asked.wait()
            log.info("worker_stopping", worker=settings.worker_name)
            bell.config_changed.set()
            bell.wake_chores()
            await self._end(crews, roster, stop)
            for task in chores:  # each is one transaction: it rolls back
                task.cancel()
            bell.close()
        await self.receipts.close()
        await self.inbound.close()
        log.info("worker_stopped", worker=settings.worker_name)

    async def _ask_values(self) -> Sequence[monitoring.MetricValue]:
        return await self.db.call(monitoring.metric_values)

    async def _end(self, crews: asyncio.Task[None], roster: Roster, stop: Stop) -> None:
        """A grace period for sends in flight, then cut them, then time to settle."""
        if await _ends(crews, stop, self.settings.grace_s):
            return
        if not stop.now.is_set():
            log.warning("sends_cut_off", worker=self.settings.worker_name)
            roster.cut()
            if await _ends(crews, stop, SETTLE_S):
                return
        log.error("results_left_to_leases", worker=self.settings.worker_name)
        crews.cancel()


_APPLICATION = "outbox worker"


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[Worker]:
    """A worker with its connections; fails where the database cannot be used at all."""
    await try_out(settings, calls.list_providers, name=_APPLICATION)
    await warn_of_power(settings, name=_APPLICATION, role="sms_worker")
    async with open_database(settings, name=_APPLICATION, size=CONNECTIONS) as db:
        metrics = Metrics()
        async with metrics.listening(host=settings.metrics_host, port=settings.metrics_port):
            yield Worker(
                settings=settings,
                db=db,
                receipts=make_batcher(db, metrics),
                inbound=make_inbound_batcher(db),
                metrics=metrics,
            )


async def warn_of_power(settings: Settings, *, name: str, role: str) -> None:
    """Log where the program could do anything to the database: a hole in it would be one there."""
    power = await try_out(settings, monitoring.login_power, name=name)
    if power.is_superuser or power.is_owner:
        log.warning(
            "login_may_do_anything",
            login=power.login,
            is_superuser=power.is_superuser,
            hint=f"use a login that is a member of {role} only: outbox db login",
        )


def make_batcher(db: Database, metrics: Metrics) -> ReceiptBatcher:
    """The one way receipts take into the database."""
    odd: Counter[tuple[str, str]] = Counter()

    async def record(provider: str, receipts: Sequence[Receipt]) -> None:
        with metrics.receipts(provider, len(receipts)):
            recorded = await db.call(calls.record_receipts, provider=provider, receipts=receipts)
        for event, count in (
            ("receipts_unmapped", recorded.unmapped),
            ("receipts_of_strangers", recorded.strangers),
        ):
            before = odd[event, provider]
            odd[event, provider] += count
            if before.bit_length() != odd[event, provider].bit_length():  # 1st, 2nd, 4th, 8th …
                log.warning(event, provider=provider, count=odd[event, provider])

    return ReceiptBatcher(record)


def make_inbound_batcher(db: Database) -> InboundBatcher:
    """The one way messages from subscribers take into the database."""

    async def record(provider: str, messages: Sequence[Inbound]) -> None:
        heard = await db.call(calls.record_inbound, provider=provider, messages=messages)
        if heard.stored:
            log.info(
                "inbound_stored",
                provider=provider,
                count=heard.stored,
                opted_out=heard.opted_out,
            )

    return InboundBatcher(record)


async def _ends(task: asyncio.Task[None], stop: Stop, within_s: float) -> bool:
    """Wait for the task, not longer than told and not after a second request to stop."""
    hurry = asyncio.create_task(stop.now.wait(), name="second signal")
    try:
        await asyncio.wait({task, hurry}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hurry.cancel()
    return task.done()
