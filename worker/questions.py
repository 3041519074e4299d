"""One question to one provider: take the turn, ask, write down what it answered.

A turn is a row of the database with an end, taken before the question, so that all workers share a
provider's limits, and one that is killed loses nothing but its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from outbox import calls
from outbox.calls import asking
from outbox.db import Database
from outbox.errors import DatabaseError
from outbox.rows_asking import Question
from providers.base import (
    AskingLimits,
    Awaiting,
    CanBeAsked,
    CanBePolled,
    Doubtful,
    Found,
    HasBalance,
    Receipt,
)

log = structlog.get_logger()

RECORD_S = 10.0  # of a turn, kept free for writing down the answers
GIVE_BACK_S = 2.0
BALANCE_ANSWER_S = 60.0


async def ask_doubtful(db: Database, name: str, provider: CanBeAsked) -> int:
    """Ask about uncertain messages that are due; how many were asked about."""
    limits = provider.asking
    questions = await db.call(
        asking.take_doubtful,
        provider=name,
        limit=limits.max_batch,
        every=limits.every,
        hold=_hold(limits),
        after=limits.after,
        pauses=limits.pauses,
    )
    if not questions:
        return 0
    async with _turn(db, name, questions[0].asked_at):
        found = await _look_up(name, provider, questions)
        await _record(db, name, questions, found, limits)
    return len(questions)


async def poll_statuses(db: Database, name: str, provider: CanBePolled) -> int:
    """Ask for the status of messages whose final receipt is overdue; how many were asked about."""
    limits = provider.asking
    while await db.call(
        asking.collect_overdue, provider=name, after=limits.poll_after, until=limits.poll_until
    ):
        pass
    questions = await db.call(
        asking.take_overdue,
        provider=name,
        limit=limits.max_batch,
        every=limits.every,
        hold=_hold(limits),
        until=limits.poll_until,
        pauses=limits.pauses,
    )
    if not questions:
        return 0
    asked_at = questions[0].asked_at
    async with _turn(db, name, asked_at):
        receipts = await _poll(name, provider, questions)
        async with db.connection() as conn, conn.transaction():
            if receipts:
                await calls.record_receipts(conn, provider=name, receipts=receipts)
            await asking.end_turn(conn, provider=name, asked_at=asked_at)
    log.info("polled_statuses", provider=name, asked=len(questions), told=len(receipts))
    return len(questions)


async def _poll(
    name: str, provider: CanBePolled, questions: Sequence[Question]
) -> Sequence[Receipt]:
    """The provider's news; none where it could not be asked."""
    waiting = [
        Awaiting(id=q.id, msisdn=q.msisdn, submitted_at=q.submitted_at, ref=q.ref)
        for q in questions
    ]
    try:
        async with asyncio.timeout(provider.asking.answer_s):
            return await provider.poll(waiting)
    except Exception as error:
        _complain("poll_failed", name, error)
        return []


async def check_balance(db: Database, name: str, provider: HasBalance, every: timedelta) -> int:
    """Ask what is left, unless another worker did lately; warn when it falls below its limit."""
    if not await db.call(asking.take_balance_turn, provider=name, every=every):
        return 0
    try:
        async with asyncio.timeout(BALANCE_ANSWER_S):
            left = await provider.balance()
    except Exception as error:
        _complain("balance_unknown", name, error)
        return 0
    told = await db.call(
        asking.record_balance, provider=name, amount=left.amount, currency=left.currency
    )
    if told == "fell":
        log.warning("balance_low", provider=name, amount=str(left.amount), currency=left.currency)
    elif told == "back":
        log.info("balance_back", provider=name, amount=str(left.amount), currency=left.currency)
    return 0


async def _look_up(
    name: str, provider: CanBeAsked, questions: Sequence[Question]
) -> Sequence[Found]:
    """The provider's answers; none where it could not be asked."""
    doubtful = [
        Doubtful(id=q.id, msisdn=q.msisdn, submitted_at=q.submitted_at, ref=q.ref)
        for q in questions
    ]
    try:
        async with asyncio.timeout(provider.asking.answer_s):
            return await provider.lookup(doubtful)
    except Exception as error:
        _complain("look_up_failed", name, error)
        return []


async def _record(
    db: Database,
    name: str,
    questions: Sequence[Question],
    found: Sequence[Found],
    limits: AskingLimits,
) -> None:
    """Resolve what can be resolved and apply the receipts, in one transaction."""
    asked = {question.id for question in questions}
    answers = {answer.id: answer for answer in found if answer.id in asked}.values()
    receipts = [
        replace(answer.receipt, message_id=answer.id)
        for answer in answers
        if answer.receipt is not None and answer.verdict == "present"
    ]
    async with db.connection() as conn, conn.transaction():
        done = await asking.record_answers(
            conn,
            provider=name,
            asked_at=questions[0].asked_at,
            ids=[answer.id for answer in answers],
            verdicts=[answer.verdict for answer in answers],
            refs=[answer.ref for answer in answers],
            absent_after=limits.absent_after,
        )
        if receipts:
            await calls.record_receipts(conn, provider=name, receipts=receipts)
    log.info(
        "asked_about_doubtful",
        provider=name,
        asked=len(asked),
        present=done.present,
        resent=done.absent,
        absent_once=done.noted,
        detail=next((answer.detail for answer in answers if answer.detail), None),
    )


@asynccontextmanager
async def _turn(db: Database, name: str, asked_at: datetime) -> AsyncIterator[None]:
    """Give the turn back at once where we are stopped in the middle of a question."""
    try:
        yield
    except BaseException:
        with suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                await db.call(asking.end_turn, provider=name, asked_at=asked_at)
        raise


def _hold(limits: AskingLimits) -> timedelta:
    return timedelta(seconds=limits.answer_s + RECORD_S)


def _complain(event: str, name: str, error: Exception) -> None:
    log.warning(event, provider=name, error=f"{type(error).__name__}: {error}")
