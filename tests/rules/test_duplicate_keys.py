"""dedup_by: what makes two messages the same is a setting of the channel; erp_ref_days likewise."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    add_template,
    change_channel,
    claim,
    claim_all,
    fate,
    insert,
    insert_many,
    insert_outbox,
    number,
    send,
    try_at,
    value,
)

DUPLICATE = "suppressed(duplicate)"
DUPLICATE_REF = "suppressed(duplicate_ref)"
WINDOW = {"dedup_window": HOUR}


async def sent(db: AsyncConnection, **request: Any) -> int:
    """One message that is at the provider since NOON."""
    message_id = await insert_outbox(db, **request)
    await send(db, message_id)
    return message_id


async def test_by_text_the_same_text_is_a_duplicate_whatever_the_channel(
    db: AsyncConnection,
) -> None:
    await change_channel(db, "mass", **WINDOW, dedup_by="text")
    await sent(db, channel="single", body="hello")

    assert await try_at(db, channel="mass", body="hello") == DUPLICATE
    assert await try_at(db, channel="mass", body="Hello") == "inflight"


async def test_by_text_in_channel_the_same_text_of_another_channel_is_none(
    db: AsyncConnection,
) -> None:
    await change_channel(db, "mass", **WINDOW, dedup_by="text_in_channel")
    await change_channel(db, "planned", **WINDOW, dedup_by="text_in_channel")
    await sent(db, channel="single", body="hello")
    await sent(db, channel="planned", body="hello")

    assert await try_at(db, channel="mass", body="hello") == "inflight"
    assert await try_at(db, channel="mass", body="hello") == DUPLICATE
    assert await try_at(db, channel="planned", body="hello") == DUPLICATE


async def test_by_template_the_same_template_is_a_duplicate_whatever_its_values(
    db: AsyncConnection,
) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    await add_template(db, "thanks", "Thanks for {{sum}}")
    await change_channel(db, "mass", **WINDOW, dedup_by="template")
    await sent(db, channel="mass", template="due", vars={"sum": "1"})

    assert await try_at(db, channel="mass", template="due", vars={"sum": "2"}) == DUPLICATE
    assert await try_at(db, channel="mass", template="thanks", vars={"sum": "1"}) == "inflight"
    assert await try_at(db, channel="mass", body="Pay 1") == "inflight"


async def test_by_text_other_values_make_another_message(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    await change_channel(db, "mass", **WINDOW)
    await sent(db, channel="mass", template="due", vars={"sum": "1"})

    assert await try_at(db, channel="mass", template="due", vars={"sum": "2"}) == "inflight"
    assert await try_at(db, channel="mass", template="due", vars={"sum": "1"}) == DUPLICATE


async def test_by_template_a_plain_text_is_compared_as_text(db: AsyncConnection) -> None:
    await change_channel(db, "mass", **WINDOW, dedup_by="template")
    await sent(db, channel="mass", body="hello")

    assert await try_at(db, channel="mass", body="hello") == DUPLICATE
    assert await try_at(db, channel="mass", body="good bye") == "inflight"


async def test_the_window_is_the_channels_and_open_at_its_end(db: AsyncConnection) -> None:
    await change_channel(db, "mass", dedup_window=HOUR)
    await change_channel(db, "planned", dedup_window=DAY)
    await sent(db, channel="single", body="hello")

    assert await try_at(db, NOON + HOUR - TICK, channel="mass", body="hello") == DUPLICATE
    assert await try_at(db, NOON + HOUR, channel="planned", body="hello") == DUPLICATE
    assert await try_at(db, NOON + HOUR, channel="mass", body="hello") == "inflight"


@pytest.mark.parametrize(
    ("result", "again"),
    [("accepted", DUPLICATE), ("uncertain", DUPLICATE), ("rejected", "inflight")],
)
async def test_what_was_not_submitted_makes_no_duplicate(
    db: AsyncConnection, result: str, again: str
) -> None:
    await change_channel(db, "mass", **WINDOW)
    message_id = await insert_outbox(db, channel="mass", body="hello")
    await send(db, message_id, result=result)

    assert await try_at(db, channel="mass", body="hello") == again


async def same_ref(db: AsyncConnection, age: timedelta) -> list[int]:
    """Two requests with one erp_ref, the first of them sent and that old; their ids."""
    first = await insert_outbox(db, erp_ref="order 1")
    await send(db, first)
    old = await value(
        db, "select sms.id_at(sms.id_time(%s) - %s) | (%s::bigint & 4194303)", first, age, first
    )
    await db.execute("update sms.erp_ref set id = %s", [old])
    await insert(db, "outbox", id=old, phone=str(number(9)), body="x", erp_ref="order 1")
    await db.execute("delete from sms.pending where id = %s", [old])
    return [old, await insert_outbox(db, erp_ref="order 1")]


@pytest.mark.parametrize(
    ("days", "age", "second"),
    [
        ("7", 6 * DAY, DUPLICATE_REF),
        ("7", 8 * DAY, "inflight"),
        ("1", 25 * HOUR, "inflight"),
        ("0", 20 * DAY, DUPLICATE_REF),
    ],
)
async def test_a_reference_protects_for_erp_ref_days(
    db: AsyncConnection, days: str, age: timedelta, second: str
) -> None:
    await db.execute("update sms.setting set value = %s where setting = 'erp_ref_days'", [days])
    _, again = await same_ref(db, age)
    foretold = await value(
        db, "select verdict || coalesce(reason, '') from sms.judge(%s, %s)", [again], NOON
    )

    await claim(db)

    assert await fate(db, again) == second
    assert foretold == ("send" if second == "inflight" else "suppressduplicate_ref")


async def test_whoever_took_a_free_reference_protects_it_anew(db: AsyncConnection) -> None:
    await db.execute("update sms.setting set value = '7' where setting = 'erp_ref_days'")
    _, second = await same_ref(db, 8 * DAY)
    third = await insert_outbox(db, erp_ref="order 1", phone=str(number(3)))

    assert await claim_all(db) == [second]
    assert await fate(db, third) == DUPLICATE_REF


async def test_references_of_one_batch_protect_whatever_the_span(db: AsyncConnection) -> None:
    await db.execute("update sms.setting set value = '1' where setting = 'erp_ref_days'")
    first, second = await insert_many(
        db, [{"erp_ref": "order 1", "phone": str(number(n))} for n in (1, 2)]
    )

    assert await claim_all(db) == [first]
    assert await fate(db, second) == DUPLICATE_REF
