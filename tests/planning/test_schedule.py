"""Campaigns to come count on the days they will run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

from psycopg import AsyncConnection

from outbox.calls import money
from outbox.rows_money import DailyVolume, PriceRow, ScheduledCampaign
from planning.plan import make_plan
from planning.schedule import planned
from tests.support.factory import insert


def campaign(**columns: object) -> ScheduledCampaign:
    full = {
        "campaign": "spring",
        "channel": "planned",
        "starts_at": datetime(2026, 12, 1, 9, tzinfo=UTC),
        "cron": None,
        "cron_zone": None,
        "ends_at": None,
        "recipients": 1000,
    }
    return ScheduledCampaign(**{**full, **columns})  # type: ignore[arg-type]


def test_one_run_counts_once_and_only_before_the_end() -> None:
    assert [p.day for p in planned([campaign()], date(2027, 1, 1))] == [date(2026, 12, 1)]
    assert planned([campaign()], date(2026, 12, 1)) == []
    assert planned([campaign(recipients=None)], date(2027, 1, 1)) == []


def test_a_periodic_one_counts_each_time_in_its_zone() -> None:
    mondays = campaign(
        cron="0 1 * * 1", cron_zone="Asia/Vladivostok", ends_at=datetime(2027, 1, 20, tzinfo=UTC)
    )
    found = planned([mondays], date(2027, 3, 1))
    assert {p.day.weekday() for p in found} == {0}
    months = Counter(p.day.month for p in found)
    assert months == {12: 4, 1: 3}


def volumes() -> list[DailyVolume]:
    return [
        DailyVolume(
            day=date.fromordinal(date(2026, 8, 1).toordinal() + n),
            channel="planned",
            category="advertising",
            priority=3,
            operator="mts",
            provider="a",
            messages=100,
            segments=200,
            cost=0,  # type: ignore[arg-type]
        )
        for n in range(92)
    ]


def test_it_is_added_to_what_history_foretells_and_last_month_is_priced() -> None:
    prices = [
        PriceRow(
            provider=name, operator=None, category=None, from_segments=0,
            price=amount, since=None, until=None,  # type: ignore[arg-type]
        )
        for name, amount in (("a", 2), ("b", 3))
    ]  # fmt: skip
    plain, with_one = (
        make_plan(
            volumes(), prices, holidays={}, today=date(2026, 11, 1), months=1,
            planned=planned(extra, date(2027, 1, 1)),
        )
        for extra in ([], [campaign()])
    )  # fmt: skip
    december = [
        next(r for r in plan.rows if r.month == date(2026, 12, 1) and r.scenario == "as now")
        for plan in (plain, with_one)
    ]
    assert round(december[1].messages - december[0].messages) == 1000
    assert (december[1].cost or 0) > (december[0].cost or 0)
    assert plain.last_month["as now"] == 31 * 200 * 2
    assert plain.last_month["all dear"] == 31 * 200 * 3


async def test_the_database_tells_of_campaigns_that_never_ran(tx: AsyncConnection) -> None:
    for n in range(1, 11):
        await tx.execute(
            "insert into erp.local_client (client_id, phone) values (%s, %s)",
            [n, f"7907000000{n % 10}"],
        )
    await tx.execute(
        "select sms.save_audience('everybody', 'select client_id, phone from erp.client')"
    )
    await tx.execute("select sms.save_template('hello', 'Hello!')")
    await insert(
        tx, "campaign", campaign="weekly", template="hello", audience="everybody",
        cron="0 10 * * 1", cron_zone="Europe/Moscow", holdout_percent=10,
    )  # fmt: skip
    await insert(tx, "campaign", campaign="idea", template="hello", audience="everybody")
    told = await money.scheduled_campaigns(tx)
    assert [(c.campaign, c.recipients) for c in told] == [("weekly", 9)]
