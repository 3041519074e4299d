"""rule_expired: past its validity a message is not sent."""

from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    change_channel,
    claim,
    fate,
    insert_many,
    insert_outbox,
    message,
    settle,
    value,
)


async def test_a_message_is_sent_until_the_last_moment_of_its_validity(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, expires_at=NOON + HOUR)

    assert (await claim(db, as_of=NOON + HOUR - TICK)).ids == [message_id]


async def test_a_message_is_not_sent_once_its_validity_is_over(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, expires_at=NOON + HOUR)

    assert (await claim(db, as_of=NOON + HOUR)).ids == []
    assert await fate(db, message_id) == "suppressed(expired)"
    assert (await message(db, message_id))["detail"].startswith("valid until ")


@pytest.mark.parametrize(
    ("before", "expected"), [(TICK, "inflight"), (0 * TICK, "suppressed(expired)")]
)
async def test_the_channel_gives_the_validity_where_the_row_does_not(
    db: AsyncConnection, before: timedelta, expected: str
) -> None:
    await change_channel(db, "single", validity=timedelta(minutes=5))
    message_id = await insert_outbox(db, not_before=NOON)

    await claim(db, as_of=NOON + timedelta(minutes=5) - before)

    assert await fate(db, message_id) == expected


async def test_validity_counts_from_the_earliest_moment_not_from_the_insert(
    db: AsyncConnection,
) -> None:
    await change_channel(db, "single", validity=HOUR)
    message_id = await insert_outbox(db, not_before=NOON + 3 * DAY)

    assert (await claim(db, as_of=NOON + 3 * DAY)).ids == [message_id]


async def test_a_message_expires_between_two_attempts(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, expires_at=NOON + HOUR)
    first = await claim(db)
    await settle(db, first.claim_id, [message_id], "retry", retry_after_s=0)

    await claim(db, as_of=NOON + HOUR)

    assert await fate(db, message_id) == "suppressed(expired)"
    assert (await message(db, message_id))["attempts"] == 1


async def test_only_the_expired_of_a_batch_are_suppressed(db: AsyncConnection) -> None:
    gone, good = await insert_many(
        db, [{"expires_at": NOON + HOUR}, {"expires_at": NOON + 2 * HOUR}]
    )

    assert (await claim(db, as_of=NOON + HOUR)).ids == [good]
    assert await fate(db, gone) == "suppressed(expired)"


async def test_the_rule_can_be_asked_by_hand(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, expires_at=NOON)

    verdict = await value(
        db,
        "select f.verdict from sms.rule_expired(sms.candidates(%s), %s) as f",
        [message_id],
        NOON,
    )

    assert verdict == "suppress"
