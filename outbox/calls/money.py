"""Statistics and money: what forecasts and reports ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, one_value
from outbox.rows_money import (
    DailyVolume,
    ForecastRow,
    Holiday,
    HourDelivered,
    MonthEffect,
    MonthMoney,
    PriceRow,
    ScheduledCampaign,
    Statistic,
    WorstHour,
)


async def roll_up_statistics(conn: AsyncConnection, *, limit: int) -> int:
    """Count again hours in which something changed; how many were counted."""
    return int(
        await one_value(
            conn, "select sms.roll_up_statistics(p_limit => %(limit)s)", {"limit": limit}
        )
    )


async def watch_budgets(conn: AsyncConnection) -> int:
    """Fold the ledger and tell of budgets that warn or are used up; of how many."""
    return int(await one_value(conn, "select sms.watch_budgets()"))


async def collect_conversions(conn: AsyncConnection) -> int:
    """Keep what the goals' queries tell of; how many are new."""
    return int(await one_value(conn, "select sms.collect_conversions()"))


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


async def scheduled_campaigns(conn: AsyncConnection) -> list[ScheduledCampaign]:
    """Campaigns that will run for the first time."""
    return await all_rows(
        conn,
        ScheduledCampaign,
        """
        select campaign, channel, starts_at, cron, cron_zone, ends_at, recipients
          from sms.scheduled_campaigns()
        """,
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


async def begin_snapshot(conn: AsyncConnection) -> None:
    """Make the transaction that has just begun see one moment, and write nothing."""
    await conn.execute("set transaction isolation level repeatable read, read only")


async def statistics(
    conn: AsyncConnection, *, start: date, until: date, by: Sequence[str]
) -> list[Statistic]:
    """Counts, money and delivery of the days from `start` to before `until`, by any dimensions."""
    return await all_rows(
        conn,
        Statistic,
        """
        select month, day, channel, category, campaign, template, provider, operator, state, reason,
               messages, segments, cost, accepted, delivered, delivery_share, p50, p95, p99
          from sms.statistics(p_from => %(start)s, p_until => %(until)s, p_by => %(by)s::text[])
        """,
        {"start": start, "until": until, "by": list(by)},
    )


async def hourly_delivery(
    conn: AsyncConnection, *, start: date, until: date
) -> list[HourDelivered]:
    """What was handed over and what arrived, hour by hour."""
    return await all_rows(
        conn,
        HourDelivered,
        """
        select day, hour, accepted, delivered
          from sms.hourly_delivery(p_from => %(start)s, p_until => %(until)s)
        """,
        {"start": start, "until": until},
    )


async def worst_hours(conn: AsyncConnection, *, start: date, until: date) -> list[WorstHour]:
    """The hours in which the smallest share arrived."""
    return await all_rows(
        conn,
        WorstHour,
        """
        select hour, accepted, delivered, delivery_share, p95
          from sms.worst_hours(p_from => %(start)s, p_until => %(until)s)
        """,
        {"start": start, "until": until},
    )


async def month_plan(conn: AsyncConnection, *, month: date) -> list[MonthMoney]:
    """Money of a month by provider, against the forecast made before it."""
    return await all_rows(
        conn,
        MonthMoney,
        """
        select provider, messages, segments, segments_cost, fees, cost, billed, planned_messages,
               planned_cost
          from sms.month_plan(p_month => %(month)s)
        """,
        {"month": month},
    )


async def month_effect(conn: AsyncConnection, *, month: date) -> list[MonthEffect]:
    """What every goal says of a month's campaigns."""
    return await all_rows(
        conn,
        MonthEffect,
        """
        select goal, campaign, clients, messages, converted, conversion_rate, revenue, cost,
               revenue_per_unit, uplift, low, high, verdict
          from sms.month_effect(p_month => %(month)s)
        """,
        {"month": month},
    )
