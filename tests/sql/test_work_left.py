"""work_left, queue_status, outcome_status, report, count_unaccounted: numbers for people."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    add_range,
    claim,
    hear,
    insert,
    insert_many,
    insert_outbox,
    nothing_unaccounted,
    number,
    row,
    rows,
    send,
    settle,
    value,
)


async def left(db: AsyncConnection, as_of: datetime = NOON, wait: timedelta = HOUR) -> list[int]:
    """What a drain still waits for: due, in flight, awaiting a receipt, to be queued."""
    found = await row(
        db,
        "select due, inflight, awaiting_receipt, feeding from sms.work_left(%s, %s)",
        wait,
        as_of,
    )
    return list(found.values())


async def test_an_empty_queue_has_no_work_left(db: AsyncConnection) -> None:
    assert await left(db) == [0, 0, 0, 0]


async def test_what_is_due_counts_and_what_is_scheduled_does_not(db: AsyncConnection) -> None:
    await insert_many(db, [{"not_before": NOON}, {"not_before": NOON + HOUR}])

    assert await left(db, NOON - TICK) == [0, 0, 0, 0]
    assert await left(db, NOON) == [1, 0, 0, 0]
    assert await left(db, NOON + HOUR) == [2, 0, 0, 0]


@pytest.mark.parametrize(
    "obstacle",
    ["update sms.lane set provider_id = null", "update sms.provider set is_enabled = false"],
)
async def test_what_nobody_serves_is_not_waited_for(db: AsyncConnection, obstacle: str) -> None:
    await insert_outbox(db)
    await db.execute(obstacle)

    assert await left(db) == [0, 0, 0, 0]


async def test_what_is_in_flight_counts(db: AsyncConnection) -> None:
    await insert_outbox(db)
    await claim(db)

    assert await left(db) == [0, 1, 0, 0]


async def test_a_receipt_is_waited_for_so_long_and_no_longer(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await send(db, message_id)
    submitted_at: datetime = await value(db, "select submitted_at from sms.outcome")

    assert await left(db, submitted_at + HOUR - TICK) == [0, 0, 1, 0]
    assert await left(db, submitted_at + HOUR) == [0, 0, 0, 0]


async def test_an_answered_message_is_not_waited_for(db: AsyncConnection) -> None:
    delivered, rejected = await insert_many(db, [{}, {"phone": str(number(2))}])
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [delivered])
    await settle(db, claimed.claim_id, [rejected], "rejected")
    await hear(db, (delivered, None, "delivered"))
    now: datetime = await value(db, "select clock_timestamp()")

    assert await left(db, now) == [0, 0, 0, 0]


async def test_the_queue_is_told_lane_by_lane(db: AsyncConnection) -> None:
    await add_range(db, number(1), operator="mts")
    await insert_many(db, [{"not_before": None}, {"not_before": None, "body": "b"}, {}])
    await insert_outbox(db, not_before=None, channel="mass", phone=str(number(2)))
    await claim(db, as_of=None, limit=1)

    lanes = {
        (lane["channel"], lane["operator"]): lane
        for lane in await rows(db, "select * from sms.queue_status()")
    }

    assert len(lanes) == 30
    mts = lanes["single", "mts"]
    assert (mts["pending"], mts["due"], mts["inflight"], mts["provider"]) == (2, 1, 1, "post")
    assert mts["oldest_due_at"] is not None
    other = lanes["mass", "other"]
    assert (other["pending"], other["due"], other["inflight"]) == (1, 1, 0)
    empty = lanes["otp", "t2"]
    assert (empty["pending"], empty["due"], empty["inflight"]) == (0, 0, 0)
    assert empty["oldest_due_at"] is None


async def test_outcomes_are_counted_by_state_since_a_moment(db: AsyncConnection) -> None:
    sent = await insert_many(db, [{"phone": str(number(n))} for n in range(3)])
    await send(db, *sent)
    await hear(db, (sent[0], None, "delivered"))
    await insert_outbox(db, phone="none")
    now: datetime = await value(db, "select clock_timestamp()")
    query = "select state, messages from sms.outcome_status(%s)"

    assert await rows(db, query, now - HOUR) == [
        {"state": "accepted", "messages": 2},
        {"state": "delivered", "messages": 1},
        {"state": "suppressed", "messages": 1},
    ]
    assert await rows(db, query, now) == []


async def test_a_report_sums_up_a_span_by_state_and_reason(db: AsyncConnection) -> None:
    provider_id = await value(db, "select provider_id from sms.provider")
    await insert(db, "tariff", provider_id=provider_id, price=Decimal("2"))
    sent = await insert_many(db, [{"phone": str(number(n))} for n in range(3)])
    await send(db, *sent, segments=2)
    await hear(db, (sent[0], None, "delivered"))
    await insert_many(db, [{"phone": "none"}, {"phone": "none"}, {"phone": str(number(9))}])
    now: datetime = await value(db, "select clock_timestamp()")

    lines = await rows(db, "select * from sms.report(%s, %s)", now - HOUR, now + HOUR)

    assert [
        (line["state"], line["reason"], line["messages"], line["segments"], line["cost"])
        for line in lines
    ] == [
        ("accepted", None, 2, 4, 8),
        ("suppressed", "invalid_number", 2, 0, None),
        ("delivered", None, 1, 2, 4),
        ("pending", None, 1, 0, None),
    ]
    by_state = {line["state"]: line for line in lines}
    assert timedelta() <= by_state["accepted"]["accept_p50"] <= by_state["accepted"]["accept_p95"]
    assert by_state["accepted"]["final_p50"] is None
    assert by_state["delivered"]["final_p50"] >= timedelta()
    assert await rows(db, "select * from sms.report(%s, %s)", now + HOUR, now + DAY) == []


@pytest.mark.parametrize(
    ("damage", "places"),
    [
        ("delete from sms.pending", 0),
        (
            """
            insert into sms.outcome (id, decided_at, final_at, state)
            select id, now(), now(), 'failed' from sms.pending
            """,
            2,
        ),
    ],
    ids=["lost", "twice"],
)
async def test_a_message_in_no_place_or_in_two_is_found(
    db: AsyncConnection, damage: str, places: int
) -> None:
    message_id = await insert_outbox(db)
    assert await nothing_unaccounted(db)

    await db.execute(damage)

    assert await value(db, "select sms.count_unaccounted()") == 1
    found = await row(db, "select id, places from sms.unaccounted")
    assert found == {"id": message_id, "places": places}
