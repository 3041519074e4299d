"""expire_leases: what a vanished worker held comes back, or is doubtful when it may have left."""

from datetime import datetime, timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MINUTE, NOON, TICK
from tests.support.factory import (
    add_template,
    claim,
    contacts,
    insert_many,
    insert_outbox,
    mark,
    message,
    nothing_unaccounted,
    number,
    row,
    set_caps,
    settle,
    states,
    value,
)

LATE = NOON + HOUR


async def expire(db: AsyncConnection, as_of: datetime = LATE, limit: int = 1000) -> tuple[int, int]:
    """Expire once: how many came back, how many became uncertain."""
    answer = await row(
        db, "select * from sms.expire_leases(p_limit => %s, p_as_of => %s)", limit, as_of
    )
    return answer["returned"], answer["uncertain"]


async def test_an_unmarked_message_comes_back_as_if_never_claimed(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    message_id = await insert_outbox(
        db, template="due", vars={"sum": "1"}, erp_ref="x", client_id=7, campaign_id=8, priority=2
    )
    before = await row(db, "select * from sms.pending")
    await claim(db)

    assert await expire(db) == (1, 0)

    after = await row(db, "select * from sms.pending")
    assert {**after, "not_before": before["not_before"]} == before
    assert await contacts(db, message_id) == 0
    assert await nothing_unaccounted(db)
    assert (await claim(db)).attempts == [1]


async def test_a_marked_message_becomes_uncertain_and_keeps_its_reservation(
    db: AsyncConnection,
) -> None:
    message_id = await insert_outbox(db, client_id=7)
    claimed = await claim(db)
    await mark(db, claimed.claim_id, [message_id])

    assert await expire(db) == (0, 1)

    seen = await message(db, message_id)
    assert (seen["state"], seen["attempts"], seen["provider"]) == ("uncertain", 1, "post")
    assert (seen["submitted_at"], seen["final_at"]) == (NOON, None)
    assert await contacts(db, message_id) == 1
    assert await nothing_unaccounted(db)
    assert (await claim(db, as_of=LATE)).judged == 0


async def test_only_what_was_marked_is_doubtful(db: AsyncConnection) -> None:
    marked, unmarked = await insert_many(db, [{}, {}])
    claimed = await claim(db)
    await mark(db, claimed.claim_id, [marked])

    assert await expire(db) == (1, 1)
    assert await states(db, marked, unmarked) == ["uncertain", "pending"]


async def test_the_mark_of_an_earlier_claim_does_not_count(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    first = await claim(db)
    await mark(db, first.claim_id, [message_id])
    await settle(db, first.claim_id, [message_id], "released")
    await claim(db)

    assert await expire(db) == (1, 0)


async def test_a_lease_ends_two_seconds_after_its_time(db: AsyncConnection) -> None:
    await insert_outbox(db)
    claimed = await claim(db, lease=MINUTE)
    assert claimed.lease_until == NOON + MINUTE

    assert await expire(db, claimed.lease_until + timedelta(seconds=2)) == (0, 0)
    assert await expire(db, claimed.lease_until + timedelta(seconds=2) + TICK) == (1, 0)


async def test_settled_messages_stay_settled(db: AsyncConnection) -> None:
    done, lost = await insert_many(db, [{}, {}])
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [done])

    assert await expire(db) == (1, 0)
    assert await states(db, done, lost) == ["accepted", "pending"]


async def test_no_more_than_the_limit_at_once_and_the_rest_next_time(db: AsyncConnection) -> None:
    await insert_many(db, [{"phone": str(number(n))} for n in range(5)])
    await claim(db)

    assert [await expire(db, limit=2) for _ in range(4)] == [(2, 0), (2, 0), (1, 0), (0, 0)]


async def test_a_returned_message_does_not_use_up_the_cap(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1})
    message_id = await insert_outbox(db)
    await claim(db)
    await expire(db)

    assert (await claim(db, as_of=LATE)).ids == [message_id]


async def test_a_cancelled_lease_cannot_be_settled_by_its_late_worker(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await mark(db, claimed.claim_id, [message_id])
    await expire(db)

    assert await settle(db, claimed.claim_id, [message_id]) == 0
    assert await states(db, message_id) == ["uncertain"]


@pytest.mark.parametrize(("age", "left"), [(timedelta(minutes=59), 1), (timedelta(minutes=61), 0)])
async def test_claims_are_forgotten_an_hour_after_they_were_made(
    db: AsyncConnection, age: timedelta, left: int
) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id])

    await expire(db, NOON + age)

    assert await value(db, "select count(*) from sms.claim") == left


@pytest.mark.parametrize(("age", "left"), [(timedelta(minutes=59), 1), (timedelta(minutes=61), 0)])
async def test_marks_are_forgotten_an_hour_after_their_claim_ended(
    db: AsyncConnection, age: timedelta, left: int
) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await mark(db, claimed.claim_id, [message_id])
    await settle(db, claimed.claim_id, [message_id])
    await db.execute("update sms.submitting set marked_at = %s", [LATE - age])

    await expire(db)

    assert await value(db, "select count(*) from sms.submitting") == left


async def test_the_mark_of_a_claim_that_still_runs_is_never_forgotten(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db, lease=2 * DAY)
    await mark(db, claimed.claim_id, [message_id])
    await db.execute("update sms.submitting set marked_at = %s", [NOON])

    await expire(db, NOON + DAY)

    assert await value(db, "select count(*) from sms.submitting") == 1
    assert await value(db, "select count(*) from sms.claim") == 1
