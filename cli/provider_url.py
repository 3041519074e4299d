"""`outbox provider url`: where a provider calls back. It is secret: shown only to who asks."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, run_async, show
from cli.provider import commands
from outbox import calls
from outbox.db import open_database
from outbox.errors import NotFound, SettingsMistake
from outbox.rows import ProviderRow
from outbox.settings import load
from outbox.terminal import echo
from outbox.tokens import account_url


@commands.command(epilog="Example: outbox provider url smsc --inbound")
def url(
    provider: Annotated[str, typer.Argument(help="The account's name.")],
    inbound: Annotated[
        bool, typer.Option("--inbound", help="The one for messages from subscribers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the URL at which this account's reports are heard. It is secret: it holds a token."""
    settings = load()
    if settings.dlr_token is None:
        raise SettingsMistake("OUTBOX_DLR_TOKEN is not set: the URL's token is derived from it.")
    row = run_async(_find(provider))
    found = account_url(
        settings.dlr_url,
        adapter=row.adapter,
        account=row.provider,
        secret=settings.dlr_token.get_secret_value(),
    )
    found += "/inbound" if inbound else ""
    if as_json:
        show({"provider": provider, "url": found})
    else:
        echo(found)


async def _find(provider: str) -> ProviderRow:
    async with open_database(load(), name="outbox provider") as db:
        rows = {row.provider: row for row in await db.call(calls.list_providers)}
    if provider not in rows:
        known = ", ".join(sorted(rows)) or "none"
        raise NotFound(f'There is no provider "{provider}" (known: {known}).')
    return rows[provider]
