"""Asking providers: about doubtful messages, about overdue receipts, for their balance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, clean, one_row, one_value
from outbox.rows_asking import Answered, Question


async def take_doubtful(
    conn: AsyncConnection,
    *,
    provider: str,
    limit: int,
    every: timedelta,
    hold: timedelta,
    after: timedelta,
    pauses: Sequence[timedelta],
) -> list[Question]:
    """Take the turn to ask and what to ask about; empty: nothing is due, or not our turn."""
    return await all_rows(
        conn,
        Question,
        """
        select id, msisdn, submitted_at, ref, asked_at
          from sms.take_doubtful(p_provider => %(provider)s, p_limit => %(limit)s,
                                 p_every => %(every)s, p_hold => %(hold)s, p_after => %(after)s,
                                 p_pauses => %(pauses)s::interval[])
        """,
        {
            "provider": provider,
            "limit": limit,
            "every": every,
            "hold": hold,
            "after": after,
            "pauses": list(pauses),
        },
    )


async def record_answers(
    conn: AsyncConnection,
    *,
    provider: str,
    asked_at: datetime,
    ids: Sequence[int],
    verdicts: Sequence[str],
    refs: Sequence[str | None],
    absent_after: timedelta,
) -> Answered:
    """Resolve by the answers to the question of `asked_at`; this ends the turn."""
    return await one_row(
        conn,
        Answered,
        """
        select present, absent, noted
          from sms.record_answers(p_provider => %(provider)s, p_asked_at => %(asked_at)s,
                                  p_ids => %(ids)b::bigint[], p_verdicts => %(verdicts)b::text[],
                                  p_refs => %(refs)b::text[],
                                  p_absent_after => %(absent_after)s)
        """,
        {
            "provider": provider,
            "asked_at": asked_at,
            "ids": list(ids),
            "verdicts": list(verdicts),
            "refs": [ref and clean(ref) for ref in refs],
            "absent_after": absent_after,
        },
    )


async def end_turn(conn: AsyncConnection, *, provider: str, asked_at: datetime) -> None:
    """Give the turn back where there is nothing to record."""
    await one_value(
        conn,
        "select sms.end_turn(p_provider => %(provider)s, p_asked_at => %(asked_at)s)",
        {"provider": provider, "asked_at": asked_at},
    )
