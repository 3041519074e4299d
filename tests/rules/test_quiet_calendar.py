"""Quiet hours by kinds of days and holidays, and the spread of what opens with them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MINUTE, NOON, TICK, WEDNESDAY, moscow
from tests.support.factory import (
    change_channel,
    claim,
    insert,
    insert_many,
    insert_outbox,
    message,
    row,
    rows,
    set_quiet_hours,
    value,
)

MONDAY, FRIDAY, SATURDAY, SUNDAY = (WEDNESDAY + n * DAY for n in (-2, 2, 3, 4))
LAW = tuple(
    {"category": "collection", "day_kind": kind, "quiet_from": begins, "quiet_until": ends}
    for kind, begins, ends in (
        ("working", "00:00", "08:00"),
        ("working", "22:00", "24:00"),
        ("off", "00:00", "09:00"),
        ("off", "20:00", "24:00"),
    )
)
NIGHT = {"category": "advertising", "quiet_from": "21:00", "quiet_until": "09:00"}
IN_MOSCOW = {"channel": "planned", "time_zone": "Europe/Moscow"}


async def until(
    db: AsyncConnection, as_of: datetime, *zones: str, category: str = "collection"
) -> datetime | None:
    """When silence ends in these zones; None = it is not silent."""
    ends: datetime | None = await value(
        db, "select sms.quiet_until(%s, %s, %s)", category, list(zones or ["Europe/Moscow"]), as_of
    )
    return ends


async def holiday(db: AsyncConnection, day: datetime, kind: str) -> None:
    """Put a day into the production calendar."""
    await insert(db, "holiday", day=day.date(), kind=kind)


async def hours(db: AsyncConnection, day: datetime) -> tuple[int, int]:
    """From and to which full hour that day is not silent for collection."""
    awake = [h for h in range(24) if await until(db, moscow(day, h)) is None]
    assert awake == list(range(awake[0], awake[-1] + 1))
    return awake[0], awake[-1] + 1


async def test_the_seeded_windows_are_those_of_the_law(tx: AsyncConnection) -> None:
    seeded = await rows(
        tx,
        """
        select day_kind from sms.quiet_hours
         where category = 'collection' order by day_kind desc, quiet_from
        """,
    )

    assert [str(w["day_kind"]) for w in seeded] == ["working", "working", "off", "off"]
    for day, awake in ((WEDNESDAY, (8, 22)), (FRIDAY, (8, 22)), (SATURDAY, (9, 20)),
                       (SUNDAY, (9, 20)), (MONDAY, (8, 22))):  # fmt: skip
        assert await hours(tx, day) == awake


async def test_the_night_from_friday_to_saturday_ends_at_nine(db: AsyncConnection) -> None:
    """Friday's evening is a working day's, Saturday's morning a day off's."""
    await set_quiet_hours(db, *LAW)

    assert await until(db, moscow(FRIDAY, 22) - TICK) is None
    assert await until(db, moscow(FRIDAY, 22)) == moscow(SATURDAY, 9)
    assert await until(db, moscow(SATURDAY, 8, 30)) == moscow(SATURDAY, 9)
    assert await until(db, moscow(SATURDAY, 20)) == moscow(SUNDAY, 9)


async def test_the_night_from_sunday_to_monday_ends_at_eight(db: AsyncConnection) -> None:
    await set_quiet_hours(db, *LAW)

    assert await until(db, moscow(SUNDAY, 20)) == moscow(SUNDAY + DAY, 8)


async def test_a_monday_off_has_the_hours_of_a_day_off(db: AsyncConnection) -> None:
    await set_quiet_hours(db, *LAW)
    await holiday(db, MONDAY, "off")

    assert await hours(db, MONDAY) == (9, 20)
    assert await until(db, moscow(MONDAY - DAY, 20)) == moscow(MONDAY, 9)
    assert await until(db, moscow(MONDAY, 20)) == moscow(MONDAY + DAY, 8)


async def test_a_worked_saturday_has_the_hours_of_a_working_day(db: AsyncConnection) -> None:
    await set_quiet_hours(db, *LAW)
    await holiday(db, SATURDAY, "working")

    assert await hours(db, SATURDAY) == (8, 22)
    assert await until(db, moscow(FRIDAY, 23)) == moscow(SATURDAY, 8)
    assert await until(db, moscow(SATURDAY, 22)) == moscow(SUNDAY, 9)


async def test_a_holiday_changes_nothing_for_windows_of_every_day_or_a_weekday(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(
        db, NIGHT, {"category": "service", "iso_weekday": 1, "quiet_from": "1:00",
                    "quiet_until": "6:00"}
    )  # fmt: skip
    await holiday(db, MONDAY, "off")

    assert await until(db, moscow(MONDAY, 8), category="advertising") == moscow(MONDAY, 9)
    assert await until(db, moscow(MONDAY, 5), category="service") == moscow(MONDAY, 6)


async def test_a_window_belongs_to_the_day_on_which_it_begins(db: AsyncConnection) -> None:
    await set_quiet_hours(
        db, {"category": "service", "day_kind": "off", "quiet_from": "20:00", "quiet_until": "6:00"}
    )

    assert await until(db, moscow(SUNDAY, 23), category="service") == moscow(SUNDAY + DAY, 6)
    assert await until(db, moscow(SUNDAY + DAY, 5), category="service") == moscow(SUNDAY + DAY, 6)
    assert await until(db, moscow(SATURDAY, 5), category="service") is None


async def test_the_holiday_is_the_subscribers_day(db: AsyncConnection) -> None:
    """Monday off begins in Vladivostok when Moscow still has Sunday, 17:00."""
    await set_quiet_hours(
        db, {"category": "service", "day_kind": "off", "quiet_from": "0:00", "quiet_until": "3:00"}
    )
    await holiday(db, MONDAY, "off")
    sunday_evening = moscow(MONDAY - DAY, 18)

    assert await until(db, sunday_evening, "Asia/Vladivostok", category="service")
    assert await until(db, sunday_evening, "Europe/Moscow", category="service") is None


async def test_the_first_days_of_january_are_days_off_when_the_calendar_says_so(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, *LAW)
    for n in range(1, 9):
        await insert(db, "holiday", day=date(2026, 1, n), kind="off")
    eve = datetime(2025, 12, 31, tzinfo=NOON.tzinfo)

    assert await until(db, moscow(eve, 22)) == moscow(eve + DAY, 9)
    assert await until(db, moscow(eve + 2 * DAY, 20, 30)) == moscow(eve + 3 * DAY, 9)
    assert await until(db, moscow(eve + 8 * DAY, 20, 30)) == moscow(eve + 9 * DAY, 8)


async def deferred(db: AsyncConnection, count: int, **request: Any) -> list[timedelta]:
    """How long after nine in the morning that many messages will go."""
    night = moscow(WEDNESDAY, 23)
    ids = await insert_many(
        db, [{**IN_MOSCOW, "not_before": night, "phone": str(79_070_000_000 + n), **request}
             for n in range(count)]
    )  # fmt: skip
    await claim(db, as_of=night)
    morning = moscow(WEDNESDAY + DAY, 9)
    return [(await message(db, message_id))["not_before"] - morning for message_id in ids]


async def test_the_opening_is_spread_over_the_channels_span(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await change_channel(db, "planned", opening_spread=30 * MINUTE)

    waits = await deferred(db, 120)

    assert min(waits) >= timedelta(0)
    assert max(waits) < 30 * MINUTE
    by_ten_minutes = [sum(w // (10 * MINUTE) == n for w in waits) for n in range(3)]
    assert min(by_ten_minutes) >= 15, by_ten_minutes
    assert len(set(waits)) > 60


async def test_without_a_spread_all_go_in_the_first_moment(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)

    assert set(await deferred(db, 20)) == {timedelta(0)}


async def test_the_moment_stays_the_same_however_often_it_is_asked(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await change_channel(db, "planned", opening_spread=HOUR)
    message_id = await insert_outbox(db, **IN_MOSCOW, not_before=moscow(WEDNESDAY, 22))

    answers = {
        (await row(db, "select * from sms.judge(%s, %s)", [message_id], at))["not_before"]
        for at in (moscow(WEDNESDAY, 22), moscow(WEDNESDAY, 23), moscow(WEDNESDAY + DAY, 4))
    }

    assert len(answers) == 1
    await claim(db, as_of=moscow(WEDNESDAY, 22))
    assert {(await message(db, message_id))["not_before"]} == answers
    assert (await claim(db, as_of=answers.pop())).ids == [message_id]


async def test_the_spread_never_carries_a_message_beyond_its_expiry(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await change_channel(db, "planned", opening_spread=4 * HOUR)

    waits = await deferred(db, 60, expires_at=moscow(WEDNESDAY + DAY, 9, 30))

    assert max(waits) < 30 * MINUTE
    assert sum(wait == timedelta(0) for wait in waits) > 20


@pytest.mark.parametrize("spread", [timedelta(0), HOUR])
async def test_what_expires_in_the_silence_is_suppressed_at_once(
    db: AsyncConnection, spread: timedelta
) -> None:
    await set_quiet_hours(db, NIGHT)
    await change_channel(db, "planned", opening_spread=spread)
    night = moscow(WEDNESDAY, 23)
    message_id = await insert_outbox(
        db, **IN_MOSCOW, not_before=night, expires_at=moscow(WEDNESDAY + DAY, 9)
    )
    await claim(db, as_of=night)

    seen = await message(db, message_id)
    assert (seen["state"], seen["reason"]) == ("suppressed", "expired")
