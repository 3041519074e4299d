"""Tells the on-call what changed about routes: one POST of JSON for the notices of a second.

At least once, in the order of their taking: a notice is taken for half a minute, told, and only
then marked as told, so a receiver that is away, or a worker that dies in between, delays it and
loses nothing. No connection to the database is held while the receiver is waited for, and a
receiver that never answers costs nothing but its time-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import structlog

from outbox.calls import routes
from outbox.db import Database
from outbox.rows_routes import Notice
from worker.chores import keep

log = structlog.get_logger()

EVERY_S = 1.0
AT_ONCE = 100
PATIENCE_S = 5.0


class Webhook:
    """Posts to one URL, which may hold a secret and so is never logged."""

    def __init__(self, db: Database, url: str) -> None:
        self._db = db
        self._url = url
        self._trouble: str | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell until stopped, through any outage."""
        # No proxy from the environment, no redirects: it is told to the address that was given.
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
            await keep("webhook", EVERY_S, lambda: self._tell(client), stopping)

    async def _tell(self, client: httpx.AsyncClient) -> int:
        notices = await self._db.call(routes.take_route_notices, limit=AT_ONCE)
        if notices and await self._post(client, notices):
            ids = [notice.notice_id for notice in notices]
            await self._db.call(routes.told_route_notices, ids=ids)
        return 0

    async def _post(self, client: httpx.AsyncClient, notices: Sequence[Notice]) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await client.post(self._url, json=body(notices))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return self._note(type(error).__name__)
        return self._note(None if reply.is_success else f"status {reply.status_code}")

    def _note(self, trouble: str | None) -> bool:
        """Log when it begins and when it is over, not every second; whether it went well."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble is None:
                log.info("webhook_well_again")
            else:
                log.warning("webhook_failed", trouble=trouble)
        return trouble is None


def body(notices: Sequence[Notice]) -> dict[str, Any]:
    """What is posted: `text`, which chats show as it is, and the `changes` for programs."""
    changes = [{"id": str(notice.notice_id), **notice.payload} for notice in notices]
    return {"text": "\n".join(map(_sentence, changes)), "changes": changes}


def _sentence(change: Mapping[str, Any]) -> str:
    if change["kind"] == "breaker":
        verb = {
            "open": "is left alone",
            "half_open": "is being tried again",
            "closed": "is well again",
        }[change["to"]]
        return f"{change['provider']} {verb}: {change['cause']} ({change['figures']})"
    channels = ", ".join(change["channels"])
    source, target = change["from"] or "(parked)", change["to"] or "(parked)"
    author = "" if change["is_automatic"] else f" by {change['by']}"
    detail = f" ({change['detail']})" if change["detail"] else ""
    return (
        f"{change['lanes']} lanes of {channels}: {source} -> {target}, "
        f"{change['cause']}{author}{detail}"
    )
