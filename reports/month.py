"""The figures of one month, read once; page, CSV and JSON all tell these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from psycopg import AsyncConnection

from outbox.calls import money
from outbox.rows_money import HourDelivered, MonthEffect, MonthMoney, Statistic, WorstHour


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What is told of a month."""

    start: date
    until: date
    total: Statistic | None
    by_day: Sequence[Statistic]
    by_channel: Sequence[Statistic]
    by_provider: Sequence[Statistic]
    by_reason: Sequence[Statistic]
    hours: Sequence[HourDelivered]
    worst: Sequence[WorstHour]
    money: Sequence[MonthMoney]
    effect: Sequence[MonthEffect]

    @property
    def cost(self) -> Decimal:
        """All money of the month, fees included."""
        return sum((row.cost for row in self.money), Decimal(0))

    @property
    def planned_cost(self) -> Decimal | None:
        """What was foretold for it, where it was."""
        known = [row.planned_cost for row in self.money if row.planned_cost is not None]
        return sum(known, Decimal(0)) if known else None


async def read_month(conn: AsyncConnection, start: date) -> Month:
    """Read the month that begins on `start`; one snapshot, so that its figures agree."""
    until = (start + timedelta(days=32)).replace(day=1)

    async def by(*dimensions: str) -> list[Statistic]:
        return await money.statistics(conn, start=start, until=until, by=dimensions)

    async with conn.transaction():
        await money.begin_snapshot(conn)
        totals = await by()
        return Month(
            start=start,
            until=until,
            total=totals[0] if totals else None,
            by_day=await by("day", "channel"),
            by_channel=await by("channel"),
            by_provider=await by("provider", "operator"),
            by_reason=[row for row in await by("state", "reason") if row.reason],
            hours=await money.hourly_delivery(conn, start=start, until=until),
            worst=await money.worst_hours(conn, start=start, until=until),
            money=await money.month_plan(conn, month=start),
            effect=await money.month_effect(conn, month=start),
        )
