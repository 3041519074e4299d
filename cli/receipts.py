"""The receipt server as the commands run it, and the accounts it knows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from dlr.app import ReceiptApp
from dlr.counts import Calls
from dlr.serve import Listener
from outbox import calls
from outbox.calls.monitoring import MetricValue
from outbox.db import Database, open_database, try_out
from outbox.errors import TransientError
from outbox.metrics import Metrics
from outbox.receipts import InboundBatcher, ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import Settings
from providers.base import Provider
from worker.clock import jittered
from worker.main import make_batcher, make_inbound_batcher
from worker.roster import make_provider

log = structlog.get_logger()

NAME = "outbox dlr"

LINK_CONNECTIONS = 2  # their own: whoever opens links may not keep receipts waiting
REFRESH_S = 1.0  # an account that the server does not know yet would lose its receipts


class Accounts:
    """Adapters of all accounts by (adapter, provider), also disabled ones: their receipts come."""

    def __init__(self, settings: Settings, receipts: ReceiptBatcher) -> None:
        self._settings = settings
        self._receipts = receipts
        self._rows: dict[str, ProviderRow] = {}
        self.by_path: dict[tuple[str, str], Provider] = {}

    def follow(self, rows: Sequence[ProviderRow]) -> None:
        """Know these accounts from now on; an adapter is made anew where its row changed."""
        for row in rows:
            old = self._rows.get(row.provider)
            if old and _read_by(old) == _read_by(row):
                continue
            self._rows[row.provider] = row
            try:
                provider = make_provider(row, settings=self._settings, receipts=self._receipts)
            except Exception as error:
                # What the account was before must not go on reading with a secret it lost.
                self.by_path.pop((row.adapter, row.provider), None)
                log.error("receipts_unreadable", provider=row.provider, error=str(error))
            else:
                self.by_path[(row.adapter, row.provider)] = provider


def _read_by(row: ProviderRow) -> tuple[object, ...]:
    """What of a row decides how its callbacks are read."""
    return row.adapter, row.settings, row.secret_env


async def hear(
    settings: Settings,
    stopping: asyncio.Event,
    *,
    server: socket.socket | None = None,
    told: Told | None = None,
) -> None:
    """The receipt server until stopped; `server` listens already, `told` asks to look anew."""
    rows = await try_out(settings, calls.list_providers, name=NAME)
    async with open_database(settings, name=NAME) as db:
        told = told or Told(asyncio.Event())
        receipts = make_batcher(db, told.metrics)
        accounts = Accounts(settings, receipts)
        accounts.follow(rows)
        port = None if server else settings.metrics_port
        async with (
            told.metrics.listening(host=settings.metrics_host, port=port),
            _listen(accounts, settings, receipts, make_inbound_batcher(db), told, server),
            asyncio.TaskGroup() as tasks,
        ):
            if port is not None:
                trying = told.metrics.keep_fresh(partial(_try_out, db), stopping)
                tasks.create_task(trying, name="metrics")
            await _follow_accounts(accounts, db, stopping, told.look)
        await receipts.close()


@dataclass(frozen=True, slots=True)
class Told:
    """What others say to the receipt server, and what it says of itself."""

    look: asyncio.Event  # accounts may have changed
    metrics: Metrics = field(default_factory=Metrics)


@asynccontextmanager
async def _listen(
    accounts: Accounts,
    settings: Settings,
    receipts: ReceiptBatcher,
    inbound: InboundBatcher,
    told: Told,
    server: socket.socket | None,
) -> AsyncIterator[None]:
    """Hear receipts and subscribers until the block ends; the settings must have a token."""
    assert settings.dlr_token is not None
    async with open_database(settings, name="outbox links", size=LINK_CONNECTIONS) as links:

        async def follow(code: str, user_agent: str, is_counted: bool) -> str | None:
            return await links.call(
                calls.follow_link, code=code, user_agent=user_agent, is_counted=is_counted
            )

        app = ReceiptApp(
            providers=accounts.by_path,
            record=receipts.put,
            record_inbound=inbound.put,
            follow=follow,
            token=settings.dlr_token.get_secret_value(),
            shared_until=settings.dlr_shared_token_until,
            max_body=settings.dlr_body_bytes,
            max_fields=settings.dlr_fields,
        )
        listener = Listener(
            app.asgi,
            host=settings.dlr_host,
            port=settings.dlr_port,
            limits=settings.dlr_limits,
            server=server,
        )
        told.metrics.registry.register(Calls(app, listener.hall))
        async with listener:
            yield
    await inbound.close()


async def _follow_accounts(
    accounts: Accounts, db: Database, stopping: asyncio.Event, look: asyncio.Event
) -> None:
    """Keep the accounts up to date until stopped."""
    waiting = asyncio.create_task(stopping.wait(), name="stopping")
    while not stopping.is_set():
        looking = asyncio.create_task(look.wait(), name="look")
        await asyncio.wait(
            {waiting, looking}, timeout=jittered(REFRESH_S), return_when=asyncio.FIRST_COMPLETED
        )
        looking.cancel()
        look.clear()
        with suppress(TransientError):
            accounts.follow(await db.call(calls.list_providers))


async def _try_out(db: Database) -> list[MetricValue]:
    """Only whether the database answers: what it knows is not for a server that strangers call."""
    await db.call(calls.list_providers)
    return []
