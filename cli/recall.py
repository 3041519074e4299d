"""Taking messages back: cancel."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, app, message_id, run_async, show
from outbox import calls
from outbox.db import open_database
from outbox.errors import NotFound
from outbox.settings import load
from outbox.terminal import echo

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of messages.")]


@app.command(epilog="Example: outbox cancel 912548437939978252")
def cancel(messages: Ids, as_json: AsJson = False) -> None:
    """Cancel messages that still wait; what a worker or provider holds cannot be recalled."""
    ids = [message_id(text) for text in messages]
    done = run_async(_cancel(ids))
    if not done:
        raise NotFound("None of these messages is waiting.")
    if as_json:
        show({"cancelled": done})
    else:
        echo(f"{done} of {len(ids)} cancelled")


async def _cancel(ids: list[int]) -> int:
    async with open_database(load(), name="outbox cancel") as db:
        return await db.call(calls.cancel, ids=ids)
