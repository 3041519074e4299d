"""rule_duplicate: the same text to the same number within the channel's window is one message."""

from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import HOUR, MINUTE, NOON, TICK
from tests.support.factory import (
    add_template,
    change_channel,
    claim,
    claim_all,
    contacts,
    fate,
    insert_many,
    insert_outbox,
    message,
    number,
    send,
    settle,
    states,
    value,
)

WINDOW = timedelta(minutes=10)


@pytest.fixture(autouse=True)
async def window(db: AsyncConnection) -> None:
    """The channel `single` with a window of ten minutes and no caps in the way."""
    await change_channel(db, "single", dedup_window=WINDOW)
    await db.execute("delete from sms.cap")


async def test_the_same_text_to_the_same_number_goes_once(db: AsyncConnection) -> None:
    first = await insert_outbox(db, body="paid")
    await send(db, first)

    again = await insert_outbox(db, body="paid")
    await claim(db, as_of=NOON + MINUTE)

    assert await fate(db, again) == "suppressed(duplicate)"
    assert f"message {first} " in (await message(db, again))["detail"]


async def test_another_text_or_another_number_is_no_duplicate(db: AsyncConnection) -> None:
    await send(db, await insert_outbox(db, body="paid"))
    others = await insert_many(db, [{"body": "paid!"}, {"body": "paid", "phone": str(number(2))}])

    assert sorted((await claim(db)).ids) == others


async def test_the_window_reaches_back_to_just_after_its_beginning(db: AsyncConnection) -> None:
    await send(db, await insert_outbox(db, body="paid"))
    again = await insert_outbox(db, body="paid")

    await claim(db, as_of=NOON + WINDOW - TICK)

    assert await fate(db, again) == "suppressed(duplicate)"


async def test_when_the_window_is_over_the_text_goes_again(db: AsyncConnection) -> None:
    await send(db, await insert_outbox(db, body="paid"))
    again = await insert_outbox(db, body="paid")

    assert (await claim(db, as_of=NOON + WINDOW)).ids == [again]


async def test_a_send_somewhat_ahead_of_this_clock_counts(db: AsyncConnection) -> None:
    await send(db, await insert_outbox(db, body="paid"))
    again = await insert_outbox(db, body="paid", not_before=NOON - HOUR)

    await claim(db, as_of=NOON - MINUTE)

    assert await fate(db, again) == "suppressed(duplicate)"


async def test_what_is_sent_hours_later_is_no_duplicate_of_now(db: AsyncConnection) -> None:
    """A message of the past is judged by what had been sent by then."""
    await send(db, await insert_outbox(db, body="paid"))
    earlier = await insert_outbox(db, body="paid")

    verdict = await value(db, "select verdict from sms.judge(%s, %s)", [earlier], NOON - 2 * HOUR)

    assert verdict == "send"


async def test_without_a_window_everything_goes(db: AsyncConnection) -> None:
    await change_channel(db, "single", dedup_window=timedelta())
    ids = await insert_many(db, [{"body": "paid"}, {"body": "paid"}])

    assert sorted((await claim(db)).ids) == ids


async def test_two_in_one_batch_one_goes_the_other_waits_and_is_then_suppressed(
    db: AsyncConnection,
) -> None:
    first, second = await insert_many(db, [{"body": "paid"}, {"body": "paid"}])

    claimed = await claim(db)
    assert (claimed.judged, claimed.ids) == (1, [first])
    assert await states(db, second) == ["pending"]

    claimed = await claim(db)
    assert (claimed.judged, claimed.ids) == (1, [])
    assert await fate(db, second) == "suppressed(duplicate)"


async def test_the_second_in_a_batch_goes_when_the_first_was_not_sent(db: AsyncConnection) -> None:
    first, second = await insert_many(
        db, [{"body": "paid", "expires_at": NOON + HOUR}, {"body": "paid"}]
    )

    assert await claim_all(db, as_of=NOON + HOUR) == [second]
    assert await fate(db, first) == "suppressed(expired)"


async def test_the_second_goes_when_the_first_was_given_back(db: AsyncConnection) -> None:
    first, second = await insert_many(db, [{"body": "paid"}, {"body": "paid"}])
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [first], "rejected")
    assert await contacts(db, first) == 0

    assert (await claim(db)).ids == [second]


async def test_an_uncertain_one_still_counts(db: AsyncConnection) -> None:
    first, second = await insert_many(db, [{"body": "paid"}, {"body": "paid"}])
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [first], "uncertain")

    await claim(db)

    assert await fate(db, second) == "suppressed(duplicate)"


async def test_a_message_is_no_duplicate_of_its_own_earlier_attempt(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, body="paid")
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], "uncertain")
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await db.execute("update sms.pending set not_before = %s", [NOON])
    assert await contacts(db, message_id) == 1

    assert (await claim(db, as_of=NOON + MINUTE)).ids == [message_id]


async def test_the_same_text_through_another_channel_is_a_duplicate(db: AsyncConnection) -> None:
    await db.execute("delete from sms.quiet_hours")
    await send(db, await insert_outbox(db, body="paid", channel="mass"))
    again = await insert_outbox(db, body="paid", channel="single")

    await claim(db)

    assert await fate(db, again) == "suppressed(duplicate)"


async def test_a_template_with_the_same_values_is_the_same_text(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    first, same, other = await insert_many(
        db, [{"template": "due", "vars": {"sum": total}} for total in ("100", "100", "200")]
    )

    assert await claim_all(db) == [first, other]
    assert await fate(db, same) == "suppressed(duplicate)"


async def test_two_templates_with_the_same_values_are_two_texts(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    await add_template(db, "overdue", "Pay {{sum}} now")
    ids = await insert_many(
        db, [{"template": name, "vars": {"sum": "1"}} for name in ("due", "overdue")]
    )

    assert await claim_all(db) == ids


async def test_where_both_are_given_the_template_is_the_text(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    first, same, other = await insert_many(
        db,
        [
            {"template": "due", "vars": {"sum": "1"}, "body": "a"},
            {"template": "due", "vars": {"sum": "1"}, "body": "b"},
            {"template": "due", "vars": {"sum": "2"}, "body": "a"},
        ],
    )

    assert await claim_all(db) == [first, other]
    assert await fate(db, same) == "suppressed(duplicate)"


async def test_a_hundred_copies_in_one_statement_go_once(db: AsyncConnection) -> None:
    ids = await insert_many(db, [{"body": "paid"}] * 100)

    assert len(await claim_all(db, limit=30)) == 1
    assert sorted(await states(db, *ids)) == ["inflight"] + ["suppressed"] * 99
