"""rule_blacklist: who must not be messaged is not, from the next claim on."""

from datetime import datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import HOUR, NOON, TICK
from tests.support.factory import (
    claim,
    fate,
    insert,
    insert_many,
    insert_outbox,
    message,
    number,
    value,
)


async def is_sent(db: AsyncConnection, as_of: datetime = NOON, **request: Any) -> bool:
    """Whether a message to number(1) goes out; it may only be the blacklist that stops it."""
    message_id = await insert_outbox(db, **request)
    claimed = await claim(db, as_of=as_of)
    state = await fate(db, message_id)
    assert state in ("inflight", "suppressed(blacklist)")
    return message_id in claimed.ids


async def test_number_and_reason_are_enough(db: AsyncConnection) -> None:
    await db.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'asked us to stop')", [number(1)]
    )
    message_id = await insert_outbox(db)

    await claim(db)

    assert await fate(db, message_id) == "suppressed(blacklist)"
    assert (await message(db, message_id))["detail"].endswith(": asked us to stop")


async def test_the_neighbour_of_a_blacklisted_number_gets_its_message(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(2), reason="stop")

    assert await is_sent(db)


async def test_a_stop_reaches_a_message_that_already_waits(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before=NOON + HOUR)
    assert (await claim(db, as_of=NOON)).judged == 0

    await insert(db, "blacklist", msisdn=number(1), reason="stop")
    await claim(db, as_of=NOON + HOUR)

    assert await fate(db, message_id) == "suppressed(blacklist)"


async def test_a_number_taken_off_the_list_gets_its_message(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="stop")
    await insert_outbox(db, not_before=NOON)
    await db.execute("delete from sms.blacklist")

    assert len((await claim(db)).ids) == 1


@pytest.mark.parametrize("prefix", ["7", "7907", str(number(1))])
async def test_a_prefix_stops_every_number_that_begins_with_it(
    db: AsyncConnection, prefix: str
) -> None:
    await insert(db, "blacklist", prefix=prefix, reason="test numbers")

    assert not await is_sent(db)


@pytest.mark.parametrize("prefix", ["7908", "78", "70", str(number(2))])
async def test_other_prefixes_stop_nothing(db: AsyncConnection, prefix: str) -> None:
    await insert(db, "blacklist", prefix=prefix, reason="test numbers")

    assert await is_sent(db)


async def test_prefixes_of_several_lengths_work_side_by_side(db: AsyncConnection) -> None:
    await insert(db, "blacklist", prefix="7935", reason="one region")
    await insert(db, "blacklist", prefix="790700000", reason="test numbers")
    stopped = await insert_many(db, [{"phone": "79350000001"}, {"phone": "79070000001"}])
    sent = await insert_many(db, [{"phone": "79360000001"}, {"phone": "79070010001"}])

    assert sorted((await claim(db)).ids) == sent
    assert [await fate(db, message_id) for message_id in stopped] == ["suppressed(blacklist)"] * 2


async def test_the_detail_names_the_row_and_the_prefix(db: AsyncConnection) -> None:
    entry = await insert(db, "blacklist", prefix="7907", reason="test numbers")
    message_id = await insert_outbox(db)

    await claim(db)

    assert (await message(db, message_id))["detail"] == (
        f"blacklist row {entry} (prefix 7907): test numbers"
    )


@pytest.mark.parametrize(("channel", "sent"), [("planned", False), ("single", True)])
async def test_an_entry_may_hold_for_one_category_only(
    db: AsyncConnection, channel: str, sent: bool
) -> None:
    await db.execute("delete from sms.quiet_hours")
    await insert(db, "blacklist", msisdn=number(1), category="advertising", reason="no adverts")

    assert await is_sent(db, channel=channel) is sent


@pytest.mark.parametrize(("channel", "sent"), [("single", False), ("otp", True)])
async def test_an_entry_may_hold_for_one_channel_only(
    db: AsyncConnection, channel: str, sent: bool
) -> None:
    await insert(db, "blacklist", msisdn=number(1), channel="single", reason="complained")

    assert await is_sent(db, channel=channel) is sent


async def test_an_entry_for_a_channel_and_another_category_stops_nothing(
    db: AsyncConnection,
) -> None:
    await insert(
        db,
        "blacklist",
        msisdn=number(1),
        channel="single",
        category="advertising",
        reason="never true together",
    )

    assert await is_sent(db)


async def test_an_entry_holds_until_the_last_moment_before_it_expires(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="pause", expires_at=NOON)

    assert not await is_sent(db, as_of=NOON - TICK, not_before=NOON - HOUR)


async def test_an_entry_that_has_expired_stops_nothing(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="pause", expires_at=NOON)

    assert await is_sent(db, as_of=NOON)


async def test_an_expired_entry_does_not_hide_one_that_holds(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="pause", expires_at=NOON)
    await insert(db, "blacklist", msisdn=number(1), reason="for ever")

    assert not await is_sent(db)


async def test_an_entry_holds_from_the_moment_it_was_made(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="stop", created_at=NOON)
    message_id = await insert_outbox(db)

    async def verdict(as_of: datetime) -> str:
        answer = await value(
            db, "select j.verdict from sms.judge(%s, %s) as j", [message_id], as_of
        )
        return str(answer)

    assert await verdict(NOON - TICK) == "send"
    assert await verdict(NOON) == "suppress"


async def test_many_entries_for_one_number_are_one_reason(db: AsyncConnection) -> None:
    for reason in ("one", "two", "three"):
        await insert(db, "blacklist", msisdn=number(1), reason=reason)
    message_id = await insert_outbox(db)

    assert (await claim(db)).judged == 1
    assert await fate(db, message_id) == "suppressed(blacklist)"
