"""The results of one claim, written to the database as they come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence

import structlog

from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseError, TransientError
from outbox.rows import Results
from providers.base import Accepted, Message, Rejected, Result, Retry, Uncertain
from worker.clock import Backoff, Lease, happens

log = structlog.get_logger()

FLUSH_ROWS = 500
FLUSH_S = 0.1  # the first result is written at once, later ones wait this long for company
LONGEST_PAUSE_S = 0.5  # after an outage our results should be there before the leases expire
MAX_DETAIL = 500
TURNED_AWAY_S = 2  # pause of a message the provider had no room for, where it names none


class Ledger:
    """Takes results from the sends of one claim; `run` settles them, through outages too.

    Settling is fenced by the claim and so may be repeated: a call that failed is tried again until
    it succeeds or the task is cancelled. Fewer rows settled than asked means that the lease ran
    out; then the database already decided, and the result goes to the log only. `refused` gets
    the name of a call that the database refuses, until it takes it again.
    """

    def __init__(
        self, db: Database, lease: Lease, messages: Iterable[Message], *, refused: set[str]
    ) -> None:
        self._db = db
        self._refused = refused
        self._lease = lease
        self._open = {message.id: message.segments for message in messages}
        self._page = Results.empty()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closed = False
        self.turned_away = 0

    def add(self, result: Result) -> None:
        """Take one result; a second one for the same message, or a stranger's, is only logged."""
        segments = self._open.pop(result.id, None)
        if segments is None:
            log.warning("result_nobody_asked_for", id=result.id, kind=type(result).__name__)
            return
        page = self._page
        if type(result) is Accepted:  # nearly all of them
            self._write(result.id, "accepted", result.segments or segments, result.detail, None)
            for ref in result.refs:
                page.ref_ids.append(result.id)
                page.refs.append(ref)
            if result.cost is not None:
                page.cost_ids.append(result.id)
                page.costs.append(result.cost)
        elif isinstance(result, Retry):
            self.turned_away += result.throttled
            verdict = "throttled" if result.throttled else "retry"
            self._write(result.id, verdict, segments, result.detail, _pause_s(result))
        elif isinstance(result, Rejected):
            self._write(result.id, "rejected", segments, result.detail, None)
        elif isinstance(result, Uncertain):
            self._write(result.id, "uncertain", segments, result.detail, None)

    def release(self, messages: Sequence[Message], why: str) -> None:
        """Hand back messages that were never submitted; their attempt does not count."""
        for message in messages:
            if (segments := self._open.pop(message.id, None)) is not None:
                self._write(message.id, "released", segments, why, None)

    def missing(self, messages: Sequence[Message]) -> list[Message]:
        """Those of the messages that have no result yet."""
        return [message for message in messages if message.id in self._open]

    def close(self) -> None:
        """No more results will come: `run` ends after writing what it has."""
        self._closed = True
        self._news.set()
        self._hurry.set()

    async def run(self) -> None:
        """Settle until closed."""
        while True:
            await self._news.wait()
            self._news.clear()
            page, self._page = self._page, Results.empty()
            if page.ids:
                await self._settle(page)
            if self._closed and not self._page.ids:
                return
            await happens(self._hurry, FLUSH_S)
            if not self._closed:
                self._hurry.clear()
            if self._closed or self._page.ids:
                self._news.set()

    def _write(
        self, message_id: int, verdict: str, segments: int, detail: str | None, after: int | None
    ) -> None:
        page = self._page
        page.ids.append(message_id)
        page.results.append(verdict)
        page.segments.append(segments)
        page.details.append(detail and detail[:MAX_DETAIL])
        page.retry_after_s.append(after)
        size = len(page.ids)
        if size == 1:
            self._news.set()
        elif size == FLUSH_ROWS:
            self._hurry.set()

    async def _settle(self, page: Results) -> None:
        backoff = Backoff(longest_s=LONGEST_PAUSE_S)
        while True:
            try:
                settled = await self._db.call(
                    calls.settle, claim_id=self._lease.claim_id, results=page
                )
            except TransientError:
                await backoff.pause()
            except DatabaseError as error:
                # Left to the lease: what was marked becomes uncertain, the rest returns.
                self._refused.add("settle")
                log.error("settle_refused", claim_id=self._lease.claim_id, error=str(error))
                return
            else:
                self._refused.discard("settle")
                self._note_late(page, settled)
                return

    def _note_late(self, page: Results, settled: int) -> None:
        if settled < len(page.ids):
            late = len(page.ids) - settled
            log.warning("results_came_late", claim_id=self._lease.claim_id, messages=late)


def _pause_s(result: Retry) -> int | None:
    """Whole seconds until the next try; None leaves it to the channel's back-off."""
    if result.after is not None:
        return math.ceil(result.after.total_seconds())
    return TURNED_AWAY_S if result.throttled else None
