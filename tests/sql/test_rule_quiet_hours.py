"""rule_quiet_hours, quiet_until, quiet_windows: nobody is woken; messages go when silence ends."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK, WEDNESDAY, moscow, utc
from tests.support.factory import (
    add_range,
    change_channel,
    claim,
    fate,
    insert_many,
    insert_outbox,
    message,
    number,
    rows,
    set_quiet_hours,
    value,
)

NIGHT = {"quiet_from": "21:00", "quiet_until": "09:00"}
IN_MOSCOW = {"channel": "planned", "time_zone": "Europe/Moscow"}


@pytest.fixture(autouse=True)
async def no_spread(db: AsyncConnection) -> None:
    """Whatever waits goes in the first moment; the spread has tests of its own."""
    await db.execute("update sms.channel set opening_spread = '0'")


async def until(
    db: AsyncConnection, as_of: datetime, *zones: str, category: str = "advertising"
) -> datetime | None:
    """When silence ends for somebody in these zones; None = it is not silent."""
    ends: datetime | None = await value(
        db, "select sms.quiet_until(%s, %s, %s)", category, list(zones), as_of
    )
    return ends


async def sent_or_deferred(db: AsyncConnection, as_of: datetime, **request: Any) -> datetime | None:
    """None when the message goes at that moment, else when it will be asked about again."""
    message_id = await insert_outbox(db, **{"not_before": as_of, **request})
    await claim(db, as_of=as_of)
    seen = await message(db, message_id)
    assert seen["state"] in ("inflight", "pending")
    return None if seen["state"] == "inflight" else seen["not_before"]


async def test_a_message_in_the_night_waits_for_the_morning(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)

    evening = await sent_or_deferred(db, moscow(WEDNESDAY, 23), **IN_MOSCOW)
    morning = await sent_or_deferred(db, moscow(WEDNESDAY, 3), **IN_MOSCOW)

    assert evening == moscow(WEDNESDAY + DAY, 9)
    assert morning == moscow(WEDNESDAY, 9)


async def test_silence_includes_its_first_moment_and_not_its_last(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    begins, ends = moscow(WEDNESDAY, 21), moscow(WEDNESDAY + DAY, 9)

    assert await until(db, begins - TICK, "Europe/Moscow") is None
    assert await until(db, begins, "Europe/Moscow") == ends
    assert await until(db, ends - TICK, "Europe/Moscow") == ends
    assert await until(db, ends, "Europe/Moscow") is None


async def test_a_deferred_message_goes_in_the_first_moment_that_is_allowed(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, NIGHT)
    message_id = await insert_outbox(db, not_before=moscow(WEDNESDAY, 22), **IN_MOSCOW)
    await claim(db, as_of=moscow(WEDNESDAY, 22))
    morning = moscow(WEDNESDAY + DAY, 9)

    assert (await claim(db, as_of=morning - TICK)).judged == 0
    assert (await claim(db, as_of=morning)).ids == [message_id]


async def test_a_window_within_the_day_ends_the_same_day(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "13:00", "quiet_until": "14:30"})

    assert await until(db, moscow(WEDNESDAY, 13), "Europe/Moscow") == moscow(WEDNESDAY, 14, 30)
    assert await until(db, moscow(WEDNESDAY, 14, 30), "Europe/Moscow") is None
    assert await until(db, moscow(WEDNESDAY, 12, 59), "Europe/Moscow") is None


async def test_silence_holds_for_its_category_only(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)

    assert await sent_or_deferred(db, moscow(WEDNESDAY, 23), channel="single") is None


async def test_without_windows_everything_goes_by_night(db: AsyncConnection) -> None:
    await set_quiet_hours(db)

    assert await sent_or_deferred(db, moscow(WEDNESDAY, 3), channel="planned") is None


async def test_a_weekday_window_holds_from_that_day_into_the_next(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"iso_weekday": 3, **NIGHT})
    thursday = WEDNESDAY + DAY

    assert await until(db, moscow(WEDNESDAY, 23), "Europe/Moscow") == moscow(thursday, 9)
    assert await until(db, moscow(thursday, 3), "Europe/Moscow") == moscow(thursday, 9)
    assert await until(db, moscow(WEDNESDAY, 3), "Europe/Moscow") is None
    assert await until(db, moscow(thursday, 23), "Europe/Moscow") is None


async def test_the_weekday_is_the_subscribers(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"iso_weekday": 4, "quiet_from": "00:00", "quiet_until": "09:00"})
    # Wednesday, 18:00 in Moscow, is Thursday, 01:00 in Vladivostok.
    evening = moscow(WEDNESDAY, 18)

    assert await until(db, evening, "Asia/Vladivostok") == moscow(WEDNESDAY + DAY, 2)
    assert await until(db, evening, "Europe/Moscow") is None


async def test_windows_that_touch_or_overlap_are_one_silence(db: AsyncConnection) -> None:
    await set_quiet_hours(
        db,
        {"quiet_from": "20:00", "quiet_until": "23:00"},
        {"quiet_from": "22:00", "quiet_until": "06:00"},
        {"quiet_from": "06:00", "quiet_until": "08:00"},
    )

    assert await until(db, moscow(WEDNESDAY, 21), "Europe/Moscow") == moscow(WEDNESDAY + DAY, 8)


async def test_a_whole_silent_day_is_waited_through(db: AsyncConnection) -> None:
    await set_quiet_hours(
        db,
        {"iso_weekday": 3, "quiet_from": "00:00", "quiet_until": "24:00"},
        {"iso_weekday": 4, "quiet_from": "00:00", "quiet_until": "24:00"},
    )

    assert await until(db, NOON, "Europe/Moscow") == WEDNESDAY + 2 * DAY


@pytest.mark.parametrize(
    ("as_of", "ends"),
    [
        # Clocks go forward on 2026-03-29 at 02:00: the night before is an hour shorter.
        ("2026-03-28 22:30", "2026-03-29 07:00"),
        ("2026-03-29 06:59", "2026-03-29 07:00"),
        ("2026-03-29 07:00", None),
        ("2026-03-28 07:59", "2026-03-28 08:00"),
        ("2026-03-28 08:00", None),
        # They go back on 2026-10-25 at 03:00: that night is an hour longer.
        ("2026-10-24 18:59", None),
        ("2026-10-24 19:00", "2026-10-25 08:00"),
        ("2026-10-25 07:59", "2026-10-25 08:00"),
        ("2026-10-25 08:00", None),
        ("2026-10-25 19:59", None),
        ("2026-10-25 20:00", "2026-10-26 08:00"),
    ],
)
async def test_a_zone_with_daylight_saving_is_silent_by_its_own_clock(
    db: AsyncConnection, as_of: str, ends: str | None
) -> None:
    await set_quiet_hours(db, NIGHT)

    assert await until(db, utc(as_of), "Europe/Berlin") == (utc(ends) if ends else None)


async def test_a_silence_that_begins_in_the_hour_that_is_skipped(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "02:30", "quiet_until": "04:00"})

    assert await until(db, utc("2026-03-29 00:59"), "Europe/Berlin") is None
    assert await until(db, utc("2026-03-29 01:30"), "Europe/Berlin") == utc("2026-03-29 02:00")
    assert await until(db, utc("2026-03-29 02:00"), "Europe/Berlin") is None


async def test_of_several_possible_zones_all_must_be_awake(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    both = ("Europe/Kaliningrad", "Asia/Kamchatka")

    # 09:00 in Kaliningrad is 10:00 in Moscow; Kamchatka shows 19:00, and 21:00 two hours on.
    assert await until(db, moscow(WEDNESDAY, 10) - TICK, *both) == moscow(WEDNESDAY, 10)
    assert await until(db, moscow(WEDNESDAY, 10), *both) is None
    assert await until(db, moscow(WEDNESDAY, 12) - TICK, *both) is None
    assert await until(db, moscow(WEDNESDAY, 12), *both) == moscow(WEDNESDAY + DAY, 10)


async def test_an_unknown_zone_is_allowed_only_when_all_of_russia_is(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)

    for hour, minute, expected in (
        (9, 59, moscow(WEDNESDAY, 10)),
        (10, 0, None),
        (11, 59, None),
        (12, 0, moscow(WEDNESDAY + DAY, 10)),
    ):
        unknown = {"channel": "planned", "phone": str(number(60 * hour + minute))}
        as_of = moscow(WEDNESDAY, hour, minute)
        assert await sent_or_deferred(db, as_of, **unknown) == expected


async def test_zone_zero_covers_russia_from_end_to_end(db: AsyncConnection) -> None:
    offsets = await rows(
        db,
        """
        select extract(hour from %s::timestamptz at time zone z.zone - timestamp '2026-01-10')
                   as ahead
          from sms.time_zone as t
          cross join lateral unnest(t.members) as z (zone)
         where t.zone_id = 0
        """,
        "2026-01-10 00:00+00",
    )

    assert {int(offset["ahead"]) for offset in offsets} == set(range(2, 13))


async def test_a_zone_that_is_gone_counts_as_unknown(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    message_id = await insert_outbox(db, **IN_MOSCOW)
    await db.execute("update sms.pending set zone_id = 32000")

    await claim(db, as_of=NOON)

    seen = await message(db, message_id)
    assert (seen["state"], seen["not_before"]) == ("pending", moscow(WEDNESDAY + DAY, 10))


async def test_the_number_tells_the_zone(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await add_range(db, number(1), zone="Asia/Vladivostok")
    await add_range(db, number(2), zone="Europe/Moscow")
    request = {"channel": "planned", "not_before": NOON + 2 * HOUR}
    east, west = await insert_many(db, [{"phone": str(number(n)), **request} for n in (1, 2)])

    # 14:00 in Moscow is 21:00 in Vladivostok.
    assert (await claim(db, as_of=NOON + 2 * HOUR)).ids == [west]
    assert (await message(db, east))["not_before"] == moscow(WEDNESDAY + DAY, 2)


async def test_the_rows_own_zone_wins_over_the_number(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await add_range(db, number(1), zone="Asia/Vladivostok")

    assert await sent_or_deferred(db, NOON + 2 * HOUR, **IN_MOSCOW) is None


async def test_the_channels_zone_is_the_last_resort(db: AsyncConnection) -> None:
    await set_quiet_hours(db, NIGHT)
    await change_channel(db, "planned", time_zone="Europe/Moscow")
    await add_range(db, number(1), zone="Asia/Vladivostok")
    await add_range(db, number(3), zone="unknown")
    as_of = NOON + 2 * HOUR

    assert await sent_or_deferred(db, as_of, channel="planned", phone=str(number(1)))
    assert await sent_or_deferred(db, as_of, channel="planned", phone=str(number(2))) is None
    assert await sent_or_deferred(db, as_of, channel="planned", phone=str(number(3))) is None


async def test_a_message_that_would_expire_in_the_silence_is_suppressed(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, NIGHT)
    night, morning = moscow(WEDNESDAY, 22), moscow(WEDNESDAY + DAY, 9)
    hopeless = await insert_outbox(
        db, not_before=night, expires_at=morning, **{**IN_MOSCOW, "phone": str(number(1))}
    )
    just = await insert_outbox(
        db, not_before=night, expires_at=morning + TICK, **{**IN_MOSCOW, "phone": str(number(2))}
    )

    await claim(db, as_of=night)

    assert await fate(db, hopeless) == "suppressed(expired)"
    assert "quiet hours in Europe/Moscow until" in (await message(db, hopeless))["detail"]
    assert await fate(db, just) == "pending"
    assert (await claim(db, as_of=morning)).ids == [just]


async def test_silence_without_an_end_suppresses_instead_of_waiting_for_ever(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, {"quiet_from": "00:00", "quiet_until": "24:00"})
    message_id = await insert_outbox(db, **IN_MOSCOW)

    await claim(db)

    assert await value(
        db, "select sms.quiet_until('advertising', '{Europe/Moscow}', %s) = 'infinity'", NOON
    )
    assert await fate(db, message_id) == "suppressed(expired)"


@pytest.mark.parametrize(
    ("weekday", "allowed_from", "allowed_until"),
    [
        (0, time(8), time(22)),
        (4, time(8), time(22)),
        (5, time(9), time(20)),
        (6, time(9), time(20)),
    ],
)
async def test_debt_is_mentioned_only_when_the_law_allows(
    db: AsyncConnection, weekday: int, allowed_from: time, allowed_until: time
) -> None:
    """230-FZ, article 7 part 5: 8 to 22 on working days, 9 to 20 on weekends."""
    day = WEDNESDAY + timedelta(days=weekday - 2)
    opens = moscow(day, allowed_from.hour)
    closes = moscow(day, allowed_until.hour)

    assert await until(db, opens - TICK, "Europe/Moscow", category="collection") == opens
    assert await until(db, opens, "Europe/Moscow", category="collection") is None
    assert await until(db, closes - TICK, "Europe/Moscow", category="collection") is None
    next_opening = await until(db, closes, "Europe/Moscow", category="collection")
    assert next_opening == moscow(day + DAY, 9 if weekday in (4, 5) else 8)
