"""Caps per client: one person with several numbers has one share."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MINUTE, MONTH, NOON, TICK, WEDNESDAY
from tests.support.factory import (
    add_range,
    claim,
    claim_all,
    contacts,
    fate,
    insert_many,
    insert_outbox,
    mark,
    message,
    number,
    send,
    set_caps,
    settle,
    try_at,
    value,
)

SUPPRESSED = "suppressed(cap)"
ONE_A_DAY = {"per": "client", "period": "day", "max_messages": 1}


@pytest.fixture(autouse=True)
async def in_moscow(db: AsyncConnection) -> None:
    """Every number of these tests lives in Moscow's zone."""
    await add_range(db, number(0), number(99))


def of(client: int | None, n: int = 1) -> dict[str, Any]:
    """A request to the n-th number, of this client."""
    return {"client_id": client, "phone": str(number(n))}


async def test_all_numbers_of_a_client_share_its_cap(db: AsyncConnection) -> None:
    await set_caps(db, {**ONE_A_DAY, "max_messages": 2})

    assert await try_at(db, **of(5, 1)) == "inflight"
    assert await try_at(db, **of(5, 2)) == "inflight"
    assert await try_at(db, **of(5, 3)) == SUPPRESSED
    assert await try_at(db, **of(6, 3)) == "inflight"


async def test_a_number_that_two_clients_share_has_a_share_for_each(db: AsyncConnection) -> None:
    await set_caps(db, ONE_A_DAY)

    assert await try_at(db, **of(5)) == "inflight"
    assert await try_at(db, **of(6)) == "inflight"
    assert await try_at(db, **of(5)) == SUPPRESSED


async def test_a_message_of_no_client_is_not_capped_per_client(db: AsyncConnection) -> None:
    await set_caps(db, ONE_A_DAY)

    for _ in range(3):
        assert await try_at(db, **of(None)) == "inflight"


async def test_a_cap_of_nothing_stops_clients_only(db: AsyncConnection) -> None:
    await set_caps(db, {**ONE_A_DAY, "max_messages": 0})

    assert await try_at(db, **of(5)) == SUPPRESSED
    assert await try_at(db, **of(None)) == "inflight"


async def test_caps_per_client_and_per_number_stand_side_by_side(db: AsyncConnection) -> None:
    await set_caps(db, {**ONE_A_DAY, "max_messages": 2}, {"period": "day", "max_messages": 1})

    assert await try_at(db, **of(5, 1)) == "inflight"
    assert await try_at(db, **of(5, 1)) == SUPPRESSED
    assert await try_at(db, **of(5, 2)) == "inflight"
    assert await try_at(db, **of(5, 3)) == SUPPRESSED
    assert await try_at(db, **of(6, 3)) == "inflight"


async def test_the_detail_says_that_it_was_the_client(db: AsyncConnection) -> None:
    await set_caps(db, ONE_A_DAY)
    await send(db, await insert_outbox(db, **of(5, 1)))
    message_id = await insert_outbox(db, **of(5, 2))
    await claim(db)

    assert "1 of 1 a client this day since " in (await message(db, message_id))["detail"]


async def test_later_rows_of_a_client_in_one_batch_wait_for_the_earlier(
    db: AsyncConnection,
) -> None:
    await set_caps(db, {**ONE_A_DAY, "max_messages": 2})
    ids = await insert_many(db, [of(5, n) for n in range(4)])

    first = await claim(db)
    assert (first.judged, sorted(first.ids)) == (2, ids[:2])

    assert await claim_all(db) == []
    assert [await fate(db, message_id) for message_id in ids[2:]] == [SUPPRESSED] * 2


@pytest.mark.parametrize(
    ("period", "begins"),
    [("day", WEDNESDAY), ("week", WEDNESDAY - 2 * DAY), ("month", MONTH)],
)
async def test_calendar_periods_begin_at_the_subscribers_midnight(
    db: AsyncConnection, period: str, begins: datetime
) -> None:
    """The week is the ISO week: it begins on Monday."""
    await set_caps(db, {**ONE_A_DAY, "period": period})
    await send(db, await insert_outbox(db, not_before=begins - TICK, **of(5)), as_of=begins - TICK)

    assert await try_at(db, begins, **of(5, 2)) == "inflight"
    assert await try_at(db, NOON, **of(5, 3)) == SUPPRESSED


@pytest.mark.parametrize("span", [timedelta(hours=3), timedelta(days=10)])
async def test_a_rolling_cap_looks_back_its_span(db: AsyncConnection, span: timedelta) -> None:
    await set_caps(db, {**ONE_A_DAY, "period": "rolling", "span": span})
    await send(db, await insert_outbox(db, **of(5)))

    assert await try_at(db, NOON + span, **of(5, 2)) == SUPPRESSED
    assert await try_at(db, NOON + span + TICK, **of(5, 3)) == "inflight"


async def test_a_cap_may_hold_for_a_channel_or_a_category(db: AsyncConnection) -> None:
    await db.execute("update sms.channel set category = 'advertising' where channel = 'mass'")
    await set_caps(db, {**ONE_A_DAY, "category": "advertising"}, {**ONE_A_DAY, "channel": "single"})

    assert await try_at(db, channel="mass", **of(5, 1)) == "inflight"
    assert await try_at(db, channel="planned", **of(5, 2)) == SUPPRESSED
    assert await try_at(db, channel="single", **of(5, 1)) == "inflight"
    assert await try_at(db, channel="single", **of(5, 2)) == SUPPRESSED
    assert await try_at(db, channel="otp", **of(5, 2)) == "inflight"


async def test_a_cap_of_neither_counts_everything(db: AsyncConnection) -> None:
    await set_caps(db, {**ONE_A_DAY, "max_messages": 2})

    assert await try_at(db, channel="otp", **of(5, 1)) == "inflight"
    assert await try_at(db, channel="planned", **of(5, 2)) == "inflight"
    assert await try_at(db, channel="single", **of(5, 3)) == SUPPRESSED


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
async def test_a_share_comes_back_only_when_nothing_was_submitted(
    db: AsyncConnection, result: str, counts: bool
) -> None:
    await set_caps(db, ONE_A_DAY)
    message_id = await insert_outbox(db, **of(5, 1))
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], result, retry_after_s=999_999_999)
    await db.execute("delete from sms.pending")

    assert await contacts(db, message_id) == int(counts)
    assert await try_at(db, **of(5, 2)) == (SUPPRESSED if counts else "inflight")


@pytest.mark.parametrize(("marked", "then"), [(False, "inflight"), (True, SUPPRESSED)])
async def test_a_lease_that_ran_out_gives_back_what_was_not_marked(
    db: AsyncConnection, marked: bool, then: str
) -> None:
    await set_caps(db, ONE_A_DAY)
    message_id = await insert_outbox(db, **of(5, 1))
    claimed = await claim(db)
    if marked:
        assert await mark(db, claimed.claim_id, [message_id])
    await db.execute("select sms.expire_leases(p_as_of => %s)", [NOON + 2 * MINUTE])
    await db.execute("delete from sms.pending")

    assert await try_at(db, NOON + HOUR, **of(5, 2)) == then


async def test_who_moves_to_another_number_keeps_the_count(db: AsyncConnection) -> None:
    """The count is the client's: the old number is not needed for it."""
    await set_caps(db, ONE_A_DAY)
    await send(db, await insert_outbox(db, **of(5, 1)))

    assert await try_at(db, **of(None, 1)) == "inflight"
    assert await try_at(db, **of(5, 2)) == SUPPRESSED


async def test_two_claims_at_once_give_a_client_one_share(dsn: str) -> None:
    """The second claim leaves the client alone while the first is open."""
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await owner.execute("insert into sms.provider (provider, adapter) values ('post', 'fake')")
        await owner.execute("select sms.switch_channel('*', 'post')")
        await set_caps(owner, ONE_A_DAY)
        first, second = await insert_many(owner, [of(5, 1), of(5, 2)])

        assert (await claim(one, limit=1)).ids == [first]
        assert (await claim(other)).judged == 0
        await other.commit()
        await one.commit()
        await claim(owner)

        assert await fate(owner, second) == SUPPRESSED
        assert await value(owner, "select count(*) from sms.contact_log") == 1
