"""When a rule's message is due: the local calendar where the client lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from tests.events.conftest import fire, invoice, planned, remind, set_rule, set_type
from tests.support.clock import utc
from tests.support.factory import add_range, number, value

NEW_YORK = "America/New_York"  # clocks forward on 10 March 2030, back on 3 November 2030


async def moment(
    db: AsyncConnection,
    given: str | None,
    shift: str,
    at: str | None,
    *zones: str,
    instant: datetime | None = None,
) -> datetime | None:
    """What sms.event_moment says."""
    found: datetime | None = await value(
        db,
        "select sms.event_moment(%s, %s, %s, %s, %s)",
        given,
        instant,
        shift,
        at,
        list(zones),
    )
    return found and found.astimezone(UTC)


@pytest.mark.parametrize(
    ("given", "shift", "at", "zone", "expected"),
    [
        ("2030-03-20", "-3 days", "10:00", "Europe/Moscow", "2030-03-17 07:00"),
        ("2030-03-20", "-3 days", "10:00", "Asia/Omsk", "2030-03-17 04:00"),
        ("2030-03-31", "1 month", "10:00", "Europe/Moscow", "2030-04-30 07:00"),
        # the day before a moment, by the calendar of whoever lives there
        ("2030-03-20T00:30:00+03:00", "-1 day", "10:00", "Europe/Moscow", "2030-03-19 07:00"),
        ("2030-03-20T00:30:00+03:00", "-1 day", "10:00", "Europe/London", "2030-03-18 10:00"),
        # hours are counted by the clock, days by the calendar
        ("2030-03-20T15:00+03:00", "-2 hours", None, "Asia/Omsk", "2030-03-20 10:00"),
        ("2030-03-20 15:00", "-2 hours", None, "Asia/Omsk", "2030-03-20 07:00"),
        ("2030-03-09 15:00", "1 day", None, NEW_YORK, "2030-03-10 19:00"),
        ("2030-03-09 15:00", "24 hours", None, NEW_YORK, "2030-03-10 20:00"),
        ("2030-11-02 15:00", "1 day 2 hours", None, NEW_YORK, "2030-11-03 22:00"),
        # the hour stays the hour across a change of clocks
        ("2030-03-12", "-3 days", "10:00", NEW_YORK, "2030-03-09 15:00"),
        ("2030-03-12", "-2 days", "10:00", NEW_YORK, "2030-03-10 14:00"),
        ("2030-11-05", "-3 days", "10:00", NEW_YORK, "2030-11-02 14:00"),
        ("2030-11-05", "-2 days", "10:00", NEW_YORK, "2030-11-03 15:00"),
        # 02:30 does not exist on the first day and exists twice on the second
        ("2030-03-10", "0", "02:30", NEW_YORK, "2030-03-10 07:30"),
        ("2030-11-03", "0", "01:30", NEW_YORK, "2030-11-03 06:30"),
    ],
)
async def test_a_shift_away_from_a_date(
    db: AsyncConnection, given: str, shift: str, at: str | None, zone: str, expected: str
) -> None:
    assert await moment(db, given, shift, at, zone) == utc(expected)


@pytest.mark.parametrize(
    "given",
    ["20.03.2030", "soon", "2030-02-30", "2030-13-01", "2030-03-20T99:00", "2030-03-20x", "", "1"],
)
async def test_what_is_no_date_has_no_moment(db: AsyncConnection, given: str) -> None:
    assert await moment(db, given, "0", "10:00", "UTC") is None


async def test_a_date_that_means_never_stays_within_what_every_client_can_read(
    db: AsyncConnection,
) -> None:
    assert await moment(db, "9999-12-31", "3 days", "10:00", "UTC") == utc("9999-01-01 00:00")


async def test_a_delay_counts_from_the_event(db: AsyncConnection) -> None:
    now = utc("2030-03-01 21:30")

    assert await moment(db, None, "2 hours", None, "UTC", instant=now) == utc("2030-03-01 23:30")
    # it is the second of March in Moscow already
    assert await moment(db, None, "1 day", "10:00", "Europe/Moscow", instant=now) == utc(
        "2030-03-03 07:00"
    )


async def test_of_several_possible_zones_the_latest_counts(db: AsyncConnection) -> None:
    found = await moment(db, "2030-03-20", "0", "10:00", "Asia/Kamchatka", "Europe/Kaliningrad")

    assert found == utc("2030-03-20 08:00")  # ten o'clock in Kaliningrad, evening in Kamchatka


async def test_ten_oclock_there_is_where_the_client_lives(db: AsyncConnection) -> None:
    await remind(db)
    await db.execute("update erp.local_client set time_zone = null where client_id in (3, 4, 5)")
    await add_range(db, number(3), zone="Asia/Vladivostok")
    await db.execute(
        """
        insert into sms.client_zone (client_id, zone_id)
        select 4, z.zone_id from sms.time_zone as z where z.name = 'Asia/Irkutsk'
        """
    )
    for client in (1, 2, 3, 4, 5):
        await invoice(db, client)

    due = {one["client_id"]: one["due_at"].astimezone(UTC) for one in await planned(db)}
    assert due == {
        1: utc("2030-03-17 04:00"),  # Omsk, by the ERP
        2: utc("2030-03-17 07:00"),  # Moscow, by the ERP
        3: utc("2030-03-17 00:00"),  # Vladivostok, by the number
        4: utc("2030-03-17 02:00"),  # Irkutsk, by what we know of the client
        5: utc("2030-03-17 08:00"),  # nobody knows: when it is ten everywhere
    }


async def test_a_delay_of_the_event(db: AsyncConnection) -> None:
    await set_rule(db, "later", event_type="late", template="late", shift="2 days")

    fired = await fire(db, "late", 1, {"amount": 1})

    [plan] = await planned(db, 1)
    at = await value(db, "select fired_at from sms.event")
    assert plan["due_at"] - at == timedelta(days=2)
    assert (fired["planned"], fired["message_ids"]) == (1, [])


async def test_what_is_near_is_queued_at_once_for_its_moment(db: AsyncConnection) -> None:
    await set_type(db, "visit", at="moment")
    await set_rule(
        db, "soon", event_type="visit", template="thanks", date_variable="at", shift="-1 hour"
    )
    near = await value(db, "select clock_timestamp() + interval '1 hour 5 minutes'")

    fired = await fire(db, "visit", 1, {"at": near.isoformat()})

    not_before = await value(db, "select not_before from sms.pending")
    assert not_before == near - timedelta(hours=1)
    assert len(fired["message_ids"]) == 1


async def test_a_moment_that_is_over_is_skipped_with_a_sentence(db: AsyncConnection) -> None:
    await remind(db)

    fired = await invoice(db, 1, due="2024-01-10")

    assert fired["message_ids"] == []
    assert fired["note"] == (
        "rule due_reminder: its moment, 2024-01-07 04:00 UTC, was over when the event came"
    )
    made = await value(db, "select outcome from sms.event_message")
    assert made == "none"


async def test_a_moment_that_is_over_may_mean_at_once(db: AsyncConnection) -> None:
    await remind(db, if_past="send", validity="2 days")

    fired = await invoice(db, 1, due="2024-01-10")

    assert len(fired["message_ids"]) == 1
    lasts = await value(
        db, "select expires_at - not_before from sms.pending where not_before <= clock_timestamp()"
    )
    assert timedelta(days=2) - lasts < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("variables", "note"),
    [
        ({"invoice": "7"}, "due_date is missing"),
        ({"invoice": "7", "due_date": "31.12.2030"}, "due_date is no date"),
        ({"invoice": "7", "due_date": None}, "due_date is missing"),
    ],
)
async def test_without_a_date_there_is_no_message_and_a_sentence(
    db: AsyncConnection, variables: dict[str, object], note: str
) -> None:
    await remind(db)

    fired = await fire(db, "invoice", 1, variables)

    assert fired["message_ids"] == []
    assert fired["note"] == f"{note}; rule due_reminder: {note}"
