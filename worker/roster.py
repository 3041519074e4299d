"""Keeps one crew for each enabled provider, following sms.provider and sms.lane as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseError, TransientError
from outbox.receipts import InboundBatcher, ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import Settings
from providers.base import (
    Context,
    Inbound,
    NotStored,
    Provider,
    ProviderError,
    Receipt,
    make_dlr_url,
)
from providers.registry import build
from worker.bell import Bell
from worker.clock import happens, jittered
from worker.crew import Crew
from worker.health import Health
from worker.terms import Terms, warn_of_clear_text

log = structlog.get_logger()

REFRESH_S = 5.0  # without being told; changes arrive by NOTIFY sms_config


def make_provider(
    row: ProviderRow,
    *,
    settings: Settings,
    receipts: ReceiptBatcher,
    inbound: InboundBatcher | None = None,
) -> Provider:
    """The adapter of one row, its secret taken from the variable the row names.

    Raises SettingsError where the row is wrong. A missing secret is no matter for who only reads
    receipts; `Terms.require_secret` checks it. `inbound` is for who opens the provider: some
    adapters hear subscribers themselves.
    """
    secret_of = partial(Terms(settings).secret_of, row.provider)

    async def sink(received: Sequence[Receipt]) -> None:
        with _told_to_adapters():
            await receipts.put(row.provider, received)

    async def inbound_sink(messages: Sequence[Inbound]) -> None:
        if inbound is not None:
            with _told_to_adapters():
                await inbound.put(row.provider, messages)

    dlr_url = None
    if settings.dlr_token is not None:
        key = settings.dlr_token.get_secret_value()
        dlr_url = make_dlr_url(settings.dlr_url, adapter=row.adapter, secret=key)
    return build(
        provider=row.provider,
        adapter=row.adapter,
        settings=row.settings,
        secret=secret_of(row.secret_env) if row.secret_env else None,
        context=Context(
            sink=sink,
            dlr_url=dlr_url,
            inbound_sink=None if inbound is None else inbound_sink,
            secret_of=secret_of,
        ),
    )


@contextmanager
def _told_to_adapters() -> Iterator[None]:
    """Say an outage of the database in the words of adapters, who know none of ours."""
    try:
        yield
    except TransientError as error:
        raise NotStored(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    crew: Crew
    task: asyncio.Task[None]


class Roster:
    """Starts, stops and replaces crews; `told` hears the rows before any crew acts on them."""

    def __init__(
        self,
        *,
        db: Database,
        bell: Bell,
        settings: Settings,
        receipts: ReceiptBatcher,
        inbound: InboundBatcher,
        told: Callable[[Sequence[ProviderRow]], None] = lambda rows: None,
    ) -> None:
        self._db = db
        self._bell = bell
        self._settings = settings
        self._terms = Terms(settings)
        self._receipts = receipts
        self._inbound = inbound
        self._told = told
        self._posts: dict[str, _Post] = {}
        self._refresh_s = REFRESH_S if settings.listens else min(REFRESH_S, settings.poll_s)
        self._complaints: dict[str, str] = {}
        self.healths: dict[str, Health] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the tables until stopped, then wait for the crews to finish what they hold."""
        changed = self._bell.config_changed
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                changed.clear()
                try:
                    rows = await self._db.call(calls.list_providers)
                except TransientError:
                    pass  # told by the database's own log line
                except DatabaseError as error:
                    self._complain("", str(error))
                else:
                    self._complaints.pop("", None)
                    self._follow(rows, tasks)
                await happens(changed, jittered(self._refresh_s))
            for post in self._posts.values():
                post.crew.stop()

    def cut(self) -> None:
        """End all sends in flight."""
        for post in self._posts.values():
            post.crew.cut()

    def opened(self) -> dict[str, Provider]:
        """The providers that are open now, by name."""
        crews = {name: post.crew for name, post in self._posts.items()}
        return {name: crew.opened for name, crew in crews.items() if crew.opened is not None}

    def _follow(self, rows: Sequence[ProviderRow], tasks: asyncio.TaskGroup) -> None:
        self._told(rows)
        self._posts = {name: post for name, post in self._posts.items() if not post.task.done()}
        for account in rows:
            health = self.healths.setdefault(account.provider, Health())
            health.follow(epoch=account.epoch, slow_s=account.slow_answer.total_seconds())
        wanted = {row.provider: row for row in rows if row.is_enabled}
        for name, post in self._posts.items():
            row = wanted.pop(name, None)
            if row is None or _needs_new_crew(post.crew.row, row):
                post.crew.stop()  # its end calls us again, and only then the next one opens
            else:
                post.crew.follow(row)
        for row in wanted.values():
            self._start(row, tasks)

    def _start(self, row: ProviderRow, tasks: asyncio.TaskGroup) -> None:
        try:
            self._terms.require_secret(row)
            provider = make_provider(
                row,
                settings=self._settings,
                receipts=self._receipts,
                inbound=self._inbound,
            )
            self._terms.check(row.provider, row.adapter, row.settings, provider)
        except ProviderError as error:
            return self._complain(row.provider, str(error))
        except Exception as error:  # an adapter that cannot even be imported
            return self._complain(row.provider, f"{type(error).__name__}: {error}")
        self._complaints.pop(row.provider, None)
        warn_of_clear_text(row, provider)
        crew = Crew(
            row,
            provider,
            db=self._db,
            bell=self._bell,
            settings=self._settings,
            health=self.healths[row.provider],
        )
        task = tasks.create_task(crew.run(), name=f"{row.provider} crew")
        task.add_done_callback(lambda _: self._bell.config_changed.set())
        self._posts[row.provider] = _Post(crew=crew, task=task)

    def _complain(self, name: str, problem: str) -> None:
        """Say it once, not every few seconds; the breakers hear of it each time."""
        if name:
            self.healths[name].trouble()
        if self._complaints.get(name) != problem:
            self._complaints[name] = problem
            event = "provider_unusable" if name else "providers_unknown"
            log.error(event, provider=name or None, error=problem)


def _needs_new_crew(old: ProviderRow, new: ProviderRow) -> bool:
    """Whether more changed than a crew at work can follow."""
    return _core(old) != _core(new)


def _core(row: ProviderRow) -> ProviderRow:
    return replace(
        row,
        tps=0,
        lanes=0,
        probed_lanes=0,
        breaker="",
        epoch=0,
        slow_answer=timedelta(0),
        has_backup=False,
    )
