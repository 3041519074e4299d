"""Statistics and money: what forecasts and reports ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, one_value


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyVolume:
    """What went to a provider on a day, by channel and operator; `cost` in the own currency."""

    day: date
    channel: str
    category: str
    priority: int
    operator: str
    provider: str
    messages: int
    segments: int
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One tariff in the own currency; None means every operator, every category, or open."""

    provider: str
    operator: str | None
    category: str | None
    from_segments: int
    price: Decimal
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A day that is not as its weekday: `off` or `working`."""

    day: date
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """One line of a forecast, as sms.forecast keeps it."""

    month: date
    scenario: str
    channel: str
    provider: str
    messages: float
    low: float
    high: float
    segments: float
    cost: float | None


async def roll_up_statistics(conn: AsyncConnection, *, limit: int) -> int:
    """Count again hours in which something changed; how many were counted."""
    return int(
        await one_value(
            conn, "select sms.roll_up_statistics(p_limit => %(limit)s)", {"limit": limit}
        )
    )


async def daily_volumes(conn: AsyncConnection, *, start: date, until: date) -> list[DailyVolume]:
    """What was handed to providers, from `start` to before `until`."""
    return await all_rows(
        conn,
        DailyVolume,
        """
        select day, channel, category, priority, operator, provider, messages, segments, cost
          from sms.daily_volumes(p_from => %(start)s, p_until => %(until)s)
        """,
        {"start": start, "until": until},
    )


async def price_list(conn: AsyncConnection) -> list[PriceRow]:
    """Tariffs of enabled providers."""
    return await all_rows(
        conn,
        PriceRow,
        """
        select provider, operator, category, from_segments, price, since, until
          from sms.price_list()
        """,
    )


async def list_holidays(conn: AsyncConnection, *, start: date, until: date) -> list[Holiday]:
    """Days that are not as their weekday."""
    return await all_rows(
        conn,
        Holiday,
        "select day, kind from sms.list_holidays(p_from => %(start)s, p_until => %(until)s)",
        {"start": start, "until": until},
    )


async def save_forecast(conn: AsyncConnection, *, rows: Sequence[ForecastRow]) -> datetime:
    """Keep a forecast; when it was made."""
    made_at: datetime = await one_value(
        conn,
        """
        select sms.save_forecast(
                   p_months => %(months)s, p_scenarios => %(scenarios)s, p_channels => %(channels)s,
                   p_providers => %(providers)s, p_messages => %(messages)s::numeric[],
                   p_lows => %(lows)s::numeric[], p_highs => %(highs)s::numeric[],
                   p_segments => %(segments)s::numeric[], p_costs => %(costs)s::numeric[])
        """,
        {
            "months": [row.month for row in rows],
            "scenarios": [row.scenario for row in rows],
            "channels": [row.channel for row in rows],
            "providers": [row.provider for row in rows],
            "messages": [row.messages for row in rows],
            "lows": [row.low for row in rows],
            "highs": [row.high for row in rows],
            "segments": [row.segments for row in rows],
            "costs": [row.cost for row in rows],
        },
    )
    return made_at
