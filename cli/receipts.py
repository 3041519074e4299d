"""The receipt server as the commands run it, and the accounts it knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from dlr.app import ReceiptApp
from dlr.serve import Listener
from outbox import calls
from outbox.db import Database, open_database
from outbox.errors import TransientError
from outbox.receipts import InboundBatcher, ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import Settings
from providers.base import Provider
from worker.clock import happens, jittered
from worker.roster import make_provider

log = structlog.get_logger()

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


@asynccontextmanager
async def listen(
    accounts: Accounts, settings: Settings, receipts: ReceiptBatcher, inbound: InboundBatcher
) -> AsyncIterator[None]:
    """Hear receipts and subscribers until the block ends; the settings must have a token."""
    assert settings.dlr_token is not None
    async with open_database(settings, name="outbox links", size=LINK_CONNECTIONS) as links:

        async def follow(code: str, user_agent: str, is_counted: bool) -> str | None:
            return await links.call(
                calls.follow_link, code=code, user_agent=user_agent, is_counted=is_counted
            )

        server = ReceiptApp(
            providers=accounts.by_path,
            record=receipts.put,
            record_inbound=inbound.put,
            follow=follow,
            token=settings.dlr_token.get_secret_value(),
            shared_until=settings.dlr_shared_token_until,
        )
        async with Listener(server.asgi, host=settings.dlr_host, port=settings.dlr_port):
            yield
    await inbound.close()


async def follow_accounts(accounts: Accounts, db: Database, stopping: asyncio.Event) -> None:
    """Keep the accounts up to date until stopped."""
    while not await happens(stopping, jittered(REFRESH_S)):
        with suppress(TransientError):
            accounts.follow(await db.call(calls.list_providers))
