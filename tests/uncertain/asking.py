"""Asks about doubtful messages as a worker does, step by step, at moments of the test's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg import AsyncConnection

from outbox import calls
from outbox.calls import asking
from outbox.rows_asking import Answered, Question
from tests.support.factory import PROVIDER, claim, insert_many, number, states

NOTHING = timedelta(0)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """One worker's way of asking; by default as soon and as often as it likes."""

    db: AsyncConnection
    every: timedelta = NOTHING
    hold: timedelta = NOTHING
    after: timedelta = NOTHING
    absent_after: timedelta = MINUTE
    pauses: Sequence[timedelta] = field(default=(NOTHING,))

    async def take(self, *, limit: int = 100) -> list[Question]:
        """The turn, and what to ask about."""
        return await asking.take_doubtful(
            self.db,
            provider=PROVIDER,
            limit=limit,
            every=self.every,
            hold=self.hold,
            after=self.after,
            pauses=self.pauses,
        )

    async def answer(
        self,
        asked_at: datetime,
        *answers: tuple[int, str],
        refs: Sequence[str | None] | None = None,
    ) -> tuple[int, int, int]:
        """Record these answers (id, verdict): present, absent, noted."""
        done: Answered = await asking.record_answers(
            self.db,
            provider=PROVIDER,
            asked_at=asked_at,
            ids=[id_ for id_, _ in answers],
            verdicts=[verdict for _, verdict in answers],
            refs=refs or [None] * len(answers),
            absent_after=self.absent_after,
        )
        return done.present, done.absent, done.noted

    async def ask(self, id_: int, verdict: str, ref: str | None = None) -> tuple[int, int, int]:
        """Ask about this one message, which must be due, and record the answer."""
        [question] = await self.take()
        assert question.id == id_
        return await self.answer(question.asked_at, (id_, verdict), refs=[ref])


async def waiting(db: AsyncConnection, count: int, **columns: object) -> list[int]:
    """So many messages to different numbers, due now."""
    return await insert_many(
        db,
        [{"phone": str(number(n)), "not_before": None, **columns} for n in range(1, count + 1)],
    )


async def handed_over(db: AsyncConnection, *ids: int, keys: Sequence[str | None] | None) -> int:
    """Claim these messages and mark them under these names; the claim."""
    claimed = await claim(db, as_of=None)
    assert sorted(claimed.ids) == sorted(ids)
    assert await calls.mark_submitting(db, claim_id=claimed.claim_id, ids=list(ids), keys=keys)
    return claimed.claim_id


async def vanish(db: AsyncConnection) -> None:
    """Let the worker be gone for good: its leases run out."""
    await db.execute("update sms.inflight set lease_until = now() - interval '1 hour'")
    await db.execute("select sms.expire_leases()")


async def doubt(db: AsyncConnection, *ids: int, keys: Sequence[str | None] | None = None) -> None:
    """Make these messages uncertain: handed over by a worker that vanished."""
    await handed_over(db, *ids, keys=keys)
    await vanish(db)
    assert await states(db, *ids) == ["uncertain"] * len(ids)


async def one_doubt(db: AsyncConnection, key: str | None = None, **columns: object) -> int:
    """One uncertain message."""
    [id_] = await waiting(db, 1, **columns)
    await doubt(db, id_, keys=[key])
    return id_
