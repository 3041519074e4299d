"""The presets for debts, as the law has them (230-FZ, article 7 part 5), from an empty start."""

from datetime import datetime
from itertools import count

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MONTH, WEDNESDAY, moscow
from tests.support.factory import add_range, insert, insert_outbox, make_provider, number, try_at

texts = count()
MONDAY = WEDNESDAY - 2 * DAY


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """The rules of a new installation, and a subscriber in Moscow."""
    await make_provider(tx)
    await add_range(tx, number(1))
    return tx


async def remind(db: AsyncConnection, *moments: datetime, channel: str = "collection") -> list[str]:
    """What becomes of a reminder at each moment, each with a text of its own."""
    return [await try_at(db, at, channel=channel, body=f"text {next(texts)}") for at in moments]


SENT, STOPPED = "inflight", "suppressed(cap)"


async def test_two_a_day(db: AsyncConnection) -> None:
    day = [moscow(WEDNESDAY, hour) for hour in (8, 15, 21)]

    assert await remind(db, *day, moscow(WEDNESDAY + DAY, 8)) == [SENT, SENT, STOPPED, SENT]


async def test_four_a_week(db: AsyncConnection) -> None:
    week = [moscow(MONDAY + n * DAY, 12) for n in range(7)]

    assert await remind(db, *week) == [SENT] * 4 + [STOPPED] * 3
    assert await remind(db, moscow(MONDAY + 7 * DAY, 12)) == [SENT]


async def test_sixteen_a_month(db: AsyncConnection) -> None:
    """Four a week are sixteen in four weeks; the fifth week of the month gets none."""
    first = MONTH + (-MONTH.weekday() % 7) * DAY
    days = [moscow(first + (7 * week + n) * DAY, 12) for week in range(5) for n in range(4)]
    days = [moscow(MONTH, 12)] * (first > MONTH) + [day for day in days if day.month == MONTH.month]

    answers = await remind(db, *days)

    assert answers[:16] == [SENT] * 16
    assert answers[16:] == [STOPPED] * (len(days) - 16)


async def test_the_cap_counts_reminders_only(db: AsyncConnection) -> None:
    at = moscow(WEDNESDAY, 12)
    await remind(db, at, at + HOUR)

    assert await remind(db, at + 2 * HOUR, channel="single") == [SENT]
    assert await remind(db, at + 2 * HOUR) == [STOPPED]


async def test_another_channel_for_debts_shares_the_cap(db: AsyncConnection) -> None:
    await insert(db, "channel", channel="debts", title="", category="collection", priority=1)
    await db.execute("select sms.switch_channel('debts', 'post')")
    at = moscow(WEDNESDAY, 12)

    assert await remind(db, at) == [SENT]
    assert await remind(db, at, channel="debts") == [SENT]
    assert await remind(db, at) == [STOPPED]


async def test_a_reminder_of_the_evening_waits_for_the_morning_and_not_all_at_once(
    db: AsyncConnection,
) -> None:
    moments = set()
    opening = moscow(WEDNESDAY + DAY, 8)
    for n in range(20):
        message_id = await insert_outbox(
            db, channel="collection", body=str(n), time_zone="Europe/Moscow",
            phone=str(number(n)), not_before=moscow(WEDNESDAY, 22),
        )  # fmt: skip
        said = await db.execute(
            "select not_before from sms.judge(%s, %s)", [[message_id], moscow(WEDNESDAY, 22)]
        )
        (moment,) = await said.fetchone() or (None,)
        assert moment is not None
        moments.add(moment)

    assert min(moments) >= opening
    assert max(moments) < opening + HOUR / 6
    assert len(moments) > 5
