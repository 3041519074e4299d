"""rule_cap and period_start: no number gets more messages in a period than a cap allows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MONTH, NOON, TICK, WEDNESDAY, moscow, utc
from tests.support.factory import (
    add_range,
    claim,
    claim_all,
    contacts,
    fate,
    insert_many,
    insert_outbox,
    message,
    number,
    send,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

SUPPRESSED = "suppressed(cap)"


@pytest.fixture(autouse=True)
async def no_other_rule(db: AsyncConnection) -> None:
    """Messages to number(1) in Moscow's zone; no silence, no duplicates."""
    await set_quiet_hours(db)
    await db.execute("update sms.channel set dedup_window = '0'")
    await add_range(db, number(0), number(99))


async def sent_at(db: AsyncConnection, *moments: datetime, **request: Any) -> int:
    """Send one message at each moment; the id of the last."""
    message_id = 0
    for moment in moments:
        message_id = await insert_outbox(db, **{"not_before": moment, **request})
        await send(db, message_id, as_of=moment)
    return message_id


async def try_at(db: AsyncConnection, moment: datetime, **request: Any) -> str:
    """What becomes of one more message that is claimed at that moment."""
    message_id = await insert_outbox(db, **{"not_before": moment, **request})
    await claim(db, as_of=moment)
    return await fate(db, message_id)


async def test_a_cap_lets_exactly_its_number_through(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 3})
    ids = await insert_many(db, [{}] * 5)

    assert await claim_all(db) == ids[:3]
    assert [await fate(db, message_id) for message_id in ids[3:]] == [SUPPRESSED] * 2


async def test_a_cap_of_nothing_stops_everything(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 0})

    assert await try_at(db, NOON) == SUPPRESSED


async def test_every_number_has_its_own_share(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await sent_at(db, NOON)

    assert await try_at(db, NOON, phone=str(number(2))) == "inflight"
    assert await try_at(db, NOON) == SUPPRESSED


async def test_later_rows_of_a_batch_wait_for_the_earlier(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 2})
    ids = await insert_many(db, [{}] * 3)

    claimed = await claim(db)
    assert (claimed.judged, sorted(claimed.ids)) == (2, ids[:2])
    assert await fate(db, ids[2]) == "pending"

    claimed = await claim(db)
    assert (claimed.judged, claimed.ids) == (1, [])
    assert await fate(db, ids[2]) == SUPPRESSED


async def test_a_row_that_waited_goes_when_an_earlier_was_given_back(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    first, second = await insert_many(db, [{}] * 2)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [first], "rejected")

    assert (await claim(db)).ids == [second]


async def test_the_detail_tells_cap_count_and_period(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await sent_at(db, NOON)
    message_id = await insert_outbox(db)
    await claim(db)

    cap_id = await value(db, "select cap_id from sms.cap")
    detail = (await message(db, message_id))["detail"]

    assert detail.startswith(f"cap {cap_id}: 1 of 1 a number this day since ")


@pytest.mark.parametrize(
    ("period", "begins"),
    [
        ("day", WEDNESDAY),
        ("week", WEDNESDAY - 2 * DAY),
        ("month", MONTH),
    ],
)
async def test_a_calendar_period_begins_at_local_midnight(
    db: AsyncConnection, period: str, begins: datetime
) -> None:
    await set_caps(db, {"period": period, "max_messages": 1})
    await sent_at(db, begins - TICK)
    assert await try_at(db, begins) == "inflight"

    assert await try_at(db, NOON) == SUPPRESSED


@pytest.mark.parametrize(
    ("period", "ends"),
    [
        ("day", WEDNESDAY + DAY),
        ("week", WEDNESDAY + 5 * DAY),
        ("month", (MONTH + 40 * DAY).replace(day=1)),
    ],
)
async def test_a_calendar_period_lasts_to_its_last_moment(
    db: AsyncConnection, period: str, ends: datetime
) -> None:
    await set_caps(db, {"period": period, "max_messages": 1})
    await sent_at(db, NOON)

    assert await try_at(db, ends - TICK) == SUPPRESSED
    assert await try_at(db, ends) == "inflight"


async def test_the_day_is_the_subscribers_not_ours(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await add_range(db, number(100), zone="Asia/Vladivostok")
    await add_range(db, number(101), zone="Europe/Kaliningrad")
    east, west = {"phone": str(number(100))}, {"phone": str(number(101))}
    # Midnight of Vladivostok is 17:00 in Moscow, that of Kaliningrad 01:00.
    await sent_at(db, moscow(WEDNESDAY, 16, 59), **east)
    await sent_at(db, moscow(WEDNESDAY, 16, 59), **west)

    assert await try_at(db, moscow(WEDNESDAY, 17), **east) == "inflight"
    assert await try_at(db, moscow(WEDNESDAY, 17), **west) == SUPPRESSED
    assert await try_at(db, moscow(WEDNESDAY + DAY, 0, 59), **west) == SUPPRESSED
    assert await try_at(db, moscow(WEDNESDAY + DAY, 1), **west) == "inflight"


async def test_a_number_of_unknown_zone_waits_for_midnight_in_every_zone(
    db: AsyncConnection,
) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    unknown = {"phone": str(number(500))}
    await sent_at(db, moscow(WEDNESDAY, 14), **unknown)

    # It is the next day in Kamchatka at 15:00 of Moscow, in Kaliningrad ten hours later.
    assert await try_at(db, moscow(WEDNESDAY, 16), **unknown) == SUPPRESSED
    assert await try_at(db, moscow(WEDNESDAY + DAY, 0, 59), **unknown) == SUPPRESSED
    assert await try_at(db, moscow(WEDNESDAY + DAY, 1), **unknown) == "inflight"


async def test_a_zone_that_is_gone_counts_all_there_ever_was(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await sent_at(db, NOON - 9 * DAY)  # still ahead on the last day of a month
    message_id = await insert_outbox(db)
    await db.execute("update sms.pending set zone_id = 32000")

    await claim(db)

    assert await fate(db, message_id) == SUPPRESSED


async def test_the_detail_of_a_rolling_cap_reads_as_words(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "rolling", "span": 2 * HOUR, "max_messages": 1})
    cap_id = await value(db, "select cap_id from sms.cap")
    await sent_at(db, NOON)
    message_id = await insert_outbox(db)

    detail = await value(db, "select detail from sms.judge(%s, %s)", [message_id], NOON + HOUR)
    told = await value(
        db, "select detail from sms.explain(%s) where topic = 'rule cap'", message_id
    )

    assert detail.startswith(f"cap {cap_id}: 1 of 1 a number in its span since ")
    assert told.startswith(f"cap {cap_id}: ")
    assert " a number in its span" in told


@pytest.mark.parametrize("span", [timedelta(hours=1), timedelta(days=7), timedelta(minutes=1)])
async def test_a_rolling_cap_looks_back_exactly_its_span(
    db: AsyncConnection, span: timedelta
) -> None:
    await set_caps(db, {"period": "rolling", "span": span, "max_messages": 1})
    await sent_at(db, NOON)

    assert await try_at(db, NOON + span) == SUPPRESSED
    assert await try_at(db, NOON + span + TICK) == "inflight"


async def test_a_send_somewhat_ahead_of_this_clock_counts(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await sent_at(db, NOON)

    assert await try_at(db, NOON - HOUR / 2) == SUPPRESSED


async def test_what_is_sent_hours_later_does_not_count_now(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    await sent_at(db, NOON)
    earlier = await insert_outbox(db)

    verdict = await value(db, "select verdict from sms.judge(%s, %s)", [earlier], NOON - 2 * HOUR)

    assert verdict == "send"


async def test_a_cap_of_a_channel_counts_only_that_channel(db: AsyncConnection) -> None:
    await set_caps(db, {"channel": "mass", "period": "day", "max_messages": 1})
    await sent_at(db, NOON, NOON, channel="single")

    assert await try_at(db, NOON, channel="mass") == "inflight"
    assert await try_at(db, NOON, channel="mass") == SUPPRESSED
    assert await try_at(db, NOON, channel="single") == "inflight"


async def test_a_cap_of_a_category_counts_all_its_channels(db: AsyncConnection) -> None:
    await db.execute("update sms.channel set category = 'advertising' where channel = 'mass'")
    await set_caps(db, {"category": "advertising", "period": "day", "max_messages": 2})
    await sent_at(db, NOON, channel="single")
    await sent_at(db, NOON, channel="mass")
    await sent_at(db, NOON, channel="planned")

    assert await try_at(db, NOON, channel="mass") == SUPPRESSED
    assert await try_at(db, NOON, channel="planned") == SUPPRESSED
    assert await try_at(db, NOON, channel="single") == "inflight"


async def test_a_cap_of_neither_counts_everything(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 2})
    await sent_at(db, NOON, channel="otp")
    await sent_at(db, NOON, channel="planned")

    assert await try_at(db, NOON, channel="single") == SUPPRESSED


async def test_of_several_caps_each_may_stop_and_all_that_do_are_named(
    db: AsyncConnection,
) -> None:
    await set_caps(
        db,
        {"period": "day", "max_messages": 5},
        {"period": "week", "max_messages": 1},
        {"period": "month", "max_messages": 1},
    )
    await sent_at(db, NOON)
    message_id = await insert_outbox(db)
    await claim(db)

    detail = (await message(db, message_id))["detail"]

    assert [part.split(" since ")[0].split(": ")[1] for part in detail.split("; ")] == [
        "1 of 1 a number this week",
        "1 of 1 a number this month",
    ]


async def test_yesterdays_messages_count_for_the_week(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 2}, {"period": "week", "max_messages": 3})
    await sent_at(db, NOON - DAY, NOON - DAY, NOON)

    assert await try_at(db, NOON) == SUPPRESSED


async def test_without_caps_nothing_is_stopped(db: AsyncConnection) -> None:
    await set_caps(db)
    ids = await insert_many(db, [{}] * 50)

    assert await claim_all(db) == ids


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        ("accepted", True),
        ("uncertain", True),
        ("rejected", False),
        ("retry", False),
        ("throttled", False),
        ("released", False),
    ],
)
async def test_only_what_may_have_gone_out_counts(
    db: AsyncConnection, result: str, counts: bool
) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], result, retry_after_s=999_999_999)
    await db.execute("delete from sms.pending")

    assert await contacts(db, message_id) == int(counts)
    assert await try_at(db, NOON) == (SUPPRESSED if counts else "inflight")


async def test_a_message_does_not_count_against_itself(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], "uncertain")
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await db.execute("update sms.pending set not_before = %s", [NOON])

    assert (await claim(db)).ids == [message_id]


@pytest.mark.parametrize(
    ("period", "zones", "as_of", "begins"),
    [
        ("day", ["UTC"], "2026-03-10 00:00", "2026-03-10 00:00"),
        ("day", ["Europe/Moscow"], "2026-03-10 20:59", "2026-03-09 21:00"),
        ("day", ["Europe/Moscow"], "2026-03-10 21:00", "2026-03-10 21:00"),
        # The day of Berlin's spring change has 23 hours, that of the autumn change 25.
        ("day", ["Europe/Berlin"], "2026-03-29 21:59", "2026-03-28 23:00"),
        ("day", ["Europe/Berlin"], "2026-03-29 22:00", "2026-03-29 22:00"),
        ("day", ["Europe/Berlin"], "2026-10-25 22:59", "2026-10-24 22:00"),
        ("day", ["Europe/Moscow", "Asia/Vladivostok"], "2026-03-10 15:00", "2026-03-09 21:00"),
        ("day", ["Europe/Moscow", "Asia/Vladivostok"], "2026-03-10 10:00", "2026-03-09 14:00"),
        ("week", ["UTC"], "2026-01-01 12:00", "2025-12-29 00:00"),
        ("month", ["Europe/Moscow"], "2026-02-28 21:00", "2026-02-28 21:00"),
        ("month", ["Europe/Moscow"], "2026-02-28 20:59", "2026-01-31 21:00"),
    ],
)
async def test_periods_begin_by_the_local_calendar(
    db: AsyncConnection, period: str, zones: list[str], as_of: str, begins: str
) -> None:
    begun = await value(db, "select sms.period_start(%s, null, %s, %s)", period, zones, utc(as_of))

    assert begun == utc(begins)
