"""Groups on the blacklist: whoever is a member, by number or by client, gets nothing."""

from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    add_group,
    claim,
    fate,
    insert,
    insert_many,
    insert_outbox,
    message,
    number,
    try_at,
)

STOPPED = "suppressed(blacklist)"


async def test_a_group_stops_its_numbers_and_nobody_else(db: AsyncConnection) -> None:
    group = await add_group(db, "staff", msisdn=[number(1), number(2)])
    await insert(db, "blacklist", group_id=group, reason="our own people")

    assert await try_at(db, phone=str(number(1))) == STOPPED
    assert await try_at(db, phone=str(number(2))) == STOPPED
    assert await try_at(db, phone=str(number(3))) == "inflight"


async def test_a_group_stops_its_clients_on_whatever_number(db: AsyncConnection) -> None:
    group = await add_group(db, "bankrupt", client_id=[7])
    await insert(db, "blacklist", group_id=group, reason="by law", source="legal")

    assert await try_at(db, phone=str(number(1)), client_id=7) == STOPPED
    assert await try_at(db, phone=str(number(2)), client_id=7) == STOPPED
    assert await try_at(db, phone=str(number(2)), client_id=8) == "inflight"
    assert await try_at(db, phone=str(number(2))) == "inflight"


async def test_a_group_that_no_row_names_stops_nobody(db: AsyncConnection) -> None:
    listed = await add_group(db, "staff", msisdn=[number(2)])
    await add_group(db, "regulars", msisdn=[number(1)])
    await insert(db, "blacklist", group_id=listed, reason="our own people")

    assert await try_at(db, phone=str(number(1))) == "inflight"


async def test_the_detail_names_row_and_group(db: AsyncConnection) -> None:
    group = await add_group(db, "staff", msisdn=[number(1)])
    entry = await insert(db, "blacklist", group_id=group, reason="our own people")
    message_id = await insert_outbox(db)

    await claim(db)

    assert (await message(db, message_id))["detail"] == (
        f"blacklist row {entry} (group staff): our own people"
    )


@pytest.mark.parametrize(
    ("scope", "planned", "single"),
    [
        ({"category": "advertising"}, STOPPED, "inflight"),
        ({"channel": "single"}, "inflight", STOPPED),
        ({"channel": "single", "category": "advertising"}, "inflight", "inflight"),
        ({}, STOPPED, STOPPED),
    ],
)
async def test_a_group_may_be_listed_for_a_kind_of_messages(
    db: AsyncConnection, scope: dict[str, str], planned: str, single: str
) -> None:
    group = await add_group(db, "staff", msisdn=[number(1)])
    await insert(db, "blacklist", group_id=group, reason="x", **scope)

    assert await try_at(db, channel="planned") == planned
    assert await try_at(db, channel="single") == single


async def test_a_groups_row_ends_when_it_says(db: AsyncConnection) -> None:
    group = await add_group(db, "staff", msisdn=[number(1)])
    await insert(db, "blacklist", group_id=group, reason="x", expires_at=NOON)

    assert await try_at(db, NOON - TICK) == STOPPED
    assert await try_at(db, NOON) == "inflight"


async def test_a_new_member_is_stopped_although_its_message_waits_already(
    db: AsyncConnection,
) -> None:
    group = await add_group(db, "staff")
    await insert(db, "blacklist", group_id=group, reason="x")
    joins, stays = await insert_many(
        db,
        [
            {"phone": str(number(1)), "not_before": NOON + HOUR, "client_id": 5},
            {"phone": str(number(2)), "not_before": NOON + HOUR},
        ],
    )

    await insert(db, "recipient_group_member", group_id=group, client_id=5)

    assert (await claim(db, as_of=NOON + HOUR)).ids == [stays]
    assert await fate(db, joins) == STOPPED


async def test_who_leaves_a_group_gets_messages_again(db: AsyncConnection) -> None:
    group = await add_group(db, "staff", msisdn=[number(1)], client_id=[1])
    await insert(db, "blacklist", group_id=group, reason="x")
    assert await try_at(db, client_id=1) == STOPPED

    await db.execute("delete from sms.recipient_group_member")

    assert await try_at(db, client_id=1) == "inflight"


async def test_a_group_that_is_listed_cannot_vanish(db: AsyncConnection) -> None:
    group = await add_group(db, "staff", msisdn=[number(1)])
    await insert(db, "blacklist", group_id=group, reason="x")

    with pytest.raises(Exception, match="blacklist"):
        await db.execute("delete from sms.recipient_group")


@pytest.mark.parametrize("expires_in", [HOUR, None])
async def test_a_row_reaches_what_was_queued_before_it(
    db: AsyncConnection, expires_in: timedelta | None
) -> None:
    """Prefix, number and group alike; at the very next claim."""
    group = await add_group(db, "staff", client_id=[3])
    ids = await insert_many(
        db, [{"phone": str(number(n)), "client_id": n, "not_before": NOON} for n in (1, 3)]
    )
    ids += await insert_many(db, [{"phone": "79350000001", "not_before": NOON}])
    assert (await claim(db, as_of=NOON - DAY)).judged == 0

    until = expires_in and NOON + expires_in
    await insert(db, "blacklist", msisdn=number(1), reason="x", expires_at=until)
    await insert(db, "blacklist", group_id=group, reason="x", expires_at=until)
    await insert(db, "blacklist", prefix="7935", reason="x", expires_at=until)

    assert (await claim(db)).judged == 3
    assert [await fate(db, message_id) for message_id in ids] == [STOPPED] * 3
