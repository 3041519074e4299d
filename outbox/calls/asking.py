"""Asking providers: about doubtful messages, about overdue receipts, for their balance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, clean, one_row, one_value
from outbox.rows_asking import Answered, BalanceRow, Question


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


async def collect_overdue(
    conn: AsyncConnection, *, provider: str, after: timedelta, until: timedelta
) -> bool:
    """Find accepted messages whose final receipt is overdue; true: there are more at once."""
    return bool(
        await one_value(
            conn,
            """
            select sms.collect_overdue(p_provider => %(provider)s, p_after => %(after)s,
                                       p_until => %(until)s)
            """,
            {"provider": provider, "after": after, "until": until},
        )
    )


async def take_overdue(
    conn: AsyncConnection,
    *,
    provider: str,
    limit: int,
    every: timedelta,
    hold: timedelta,
    until: timedelta,
    pauses: Sequence[timedelta],
) -> list[Question]:
    """Take the turn to ask, and what to ask about; empty: nothing is due, or not our turn."""
    return await all_rows(
        conn,
        Question,
        """
        select id, msisdn, submitted_at, ref, asked_at
          from sms.take_overdue(p_provider => %(provider)s, p_limit => %(limit)s,
                                p_every => %(every)s, p_hold => %(hold)s, p_until => %(until)s,
                                p_pauses => %(pauses)s::interval[])
        """,
        {
            "provider": provider,
            "limit": limit,
            "every": every,
            "hold": hold,
            "until": until,
            "pauses": list(pauses),
        },
    )


async def take_balance_turn(conn: AsyncConnection, *, provider: str, every: timedelta) -> bool:
    """Be the one worker that asks for the balance now."""
    query = "select sms.take_balance_turn(p_provider => %(provider)s, p_every => %(every)s)"
    return bool(await one_value(conn, query, {"provider": provider, "every": every}))


async def record_balance(
    conn: AsyncConnection, *, provider: str, amount: Decimal, currency: str
) -> str | None:
    """Keep what is left; tells `fell` or `back` when it passed its limit."""
    told = await one_value(
        conn,
        """
        select sms.record_balance(p_provider => %(provider)s, p_amount => %(amount)s,
                                  p_currency => %(currency)s)
        """,
        {"provider": provider, "amount": amount, "currency": currency},
    )
    return None if told is None else str(told)


async def set_balance_limit(
    conn: AsyncConnection, *, provider: str, warn_below: Decimal | None
) -> None:
    """Warn from this balance on; None: never."""
    await one_value(
        conn,
        """
        select sms.set_balance_limit(p_provider => %(provider)s,
                                     p_warn_below => %(warn_below)s::numeric)
        """,
        {"provider": provider, "warn_below": warn_below},
    )


async def balances(conn: AsyncConnection) -> list[BalanceRow]:
    """What each provider last said is left."""
    return await all_rows(
        conn,
        BalanceRow,
        """
        select p.provider, b.at, b.amount, b.currency, b.warn_below, b.is_low, b.low_since
          from sms.provider_balance as b
          join sms.provider as p using (provider_id)
         order by p.provider
        """,
    )
