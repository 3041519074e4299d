"""claim_batch: due messages only, most urgent first, leased once, and always one row of answer."""

from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, MINUTE, NOON, TICK
from tests.support.factory import (
    PROVIDER,
    add_range,
    add_template,
    change_channel,
    claim,
    contacts,
    fate,
    insert,
    insert_many,
    insert_outbox,
    make_provider,
    message,
    nothing_unaccounted,
    number,
    row,
    settle,
    states,
    value,
)


async def test_nothing_due_is_one_row_with_nothing_judged(db: AsyncConnection) -> None:
    claimed = await claim(db)

    assert (claimed.judged, claimed.ids) == (0, [])


async def test_a_claimed_message_comes_with_all_that_sending_needs(db: AsyncConnection) -> None:
    message_id = await insert_outbox(
        db, phone="8 (907) 000-00-01", body="Оплата 100 ₽", sender_id="BANK", priority=2
    )

    claimed = await claim(db, lease=timedelta(seconds=90))

    assert claimed.judged == 1
    assert claimed.ids == [message_id]
    assert claimed.msisdns == [number(1)]
    assert claimed.sender_ids == ["BANK"]
    assert claimed.bodies == ["Оплата 100 ₽"]
    assert claimed.priorities == [2]
    assert claimed.attempts == [1]
    assert claimed.expires_ats == [NOON + DAY]
    assert claimed.lease_until == NOON + timedelta(seconds=90)
    assert await states(db, message_id) == ["inflight"]
    assert await contacts(db, message_id) == 1


async def test_the_channel_gives_the_sender_unless_the_row_does(db: AsyncConnection) -> None:
    await change_channel(db, "single", sender_id="SHOP")
    await insert_many(db, [{"phone": str(number(1))}, {"phone": str(number(2)), "sender_id": "ME"}])

    claimed = await claim(db)

    assert claimed.sender_ids == ["SHOP", "ME"]


async def test_a_template_is_filled_in_when_it_is_claimed(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}} by {{day|Friday}}")
    await insert_outbox(db, template="due", vars={"sum": "100"})

    assert (await claim(db)).bodies == ["Pay 100 by Friday"]


async def test_a_message_is_due_from_its_not_before_on(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before=NOON)

    assert (await claim(db, as_of=NOON - TICK)).judged == 0
    assert (await claim(db, as_of=NOON)).ids == [message_id]


async def test_a_leased_message_is_not_claimed_again(db: AsyncConnection) -> None:
    await insert_outbox(db)
    assert (await claim(db)).ids

    assert (await claim(db, as_of=NOON + DAY)).judged == 0


async def test_the_most_urgent_go_first_and_of_equals_the_longest_due(db: AsyncConnection) -> None:
    late, urgent, early, lowered = await insert_many(
        db,
        [
            {"phone": str(number(1)), "channel": "mass", "not_before": NOON},
            {"phone": str(number(2)), "channel": "single", "not_before": NOON},
            {"phone": str(number(3)), "channel": "mass", "not_before": NOON - MINUTE},
            {"phone": str(number(4)), "channel": "single", "not_before": NOON, "priority": 3},
        ],
    )

    order = [(await claim(db, limit=1)).ids[0] for _ in range(4)]

    assert order == [urgent, early, late, lowered]


async def test_a_batch_is_handed_over_in_the_order_of_urgency(db: AsyncConnection) -> None:
    ids = await insert_many(
        db,
        [{"phone": str(number(n)), "priority": priority} for n, priority in enumerate([3, 0, 2])],
    )

    assert (await claim(db)).ids == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize(
    ("priorities", "expected"), [((0, 0), [0]), ((1, 3), [1, 2, 3]), ((0, 3), [0, 1, 2, 3])]
)
async def test_a_claimer_takes_only_the_priorities_it_asks_for(
    db: AsyncConnection, priorities: tuple[int, int], expected: list[int]
) -> None:
    await insert_many(db, [{"phone": str(number(n)), "priority": n} for n in range(4)])

    assert (await claim(db, priorities=priorities)).priorities == expected


async def test_a_claim_takes_no_more_than_its_limit(db: AsyncConnection) -> None:
    await insert_many(db, [{"phone": str(number(n))} for n in range(5)])

    assert [len((await claim(db, limit=2)).ids) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_claim_takes_no_more_than_the_provider_takes_at_once(db: AsyncConnection) -> None:
    await db.execute("update sms.provider set max_batch = 3")
    await insert_many(db, [{"phone": str(number(n))} for n in range(5)])

    assert [len((await claim(db)).ids) for _ in range(3)] == [3, 2, 0]


async def test_a_claim_never_takes_more_than_a_thousand(db: AsyncConnection) -> None:
    await db.execute("update sms.provider set max_batch = 1000")
    await insert_many(db, [{"phone": str(number(n))} for n in range(1001)])

    assert len((await claim(db, limit=100_000)).ids) == 1000


async def test_a_limit_of_nothing_still_takes_one(db: AsyncConnection) -> None:
    await insert_outbox(db)

    assert len((await claim(db, limit=0)).ids) == 1


async def test_a_provider_claims_only_from_lanes_that_point_to_it(db: AsyncConnection) -> None:
    await make_provider(db, "other", point_lanes=False)
    await db.execute("select sms.switch_channel('mass', 'other')")
    single, mass = await insert_many(
        db, [{"phone": str(number(1))}, {"phone": str(number(2)), "channel": "mass"}]
    )

    assert (await claim(db, provider=PROVIDER)).ids == [single]
    assert (await claim(db, provider="other")).ids == [mass]


async def test_the_operator_of_the_number_chooses_the_lane(db: AsyncConnection) -> None:
    await add_range(db, number(1), operator="mts")
    await make_provider(db, "cheap", point_lanes=False)
    await db.execute("select sms.switch_channel('single', 'cheap', 'mts')")
    mts, elsewhere = await insert_many(db, [{"phone": str(number(n))} for n in (1, 2)])

    assert (await claim(db, provider="cheap")).ids == [mts]
    assert (await claim(db)).ids == [elsewhere]


async def test_nobody_claims_from_a_parked_lane(db: AsyncConnection) -> None:
    await insert_outbox(db)
    await db.execute("update sms.lane set provider_id = null")

    assert (await claim(db)).judged == 0


async def test_nobody_claims_for_a_disabled_provider(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await db.execute("update sms.provider set is_enabled = false")
    assert (await claim(db)).judged == 0

    await db.execute("update sms.provider set is_enabled = true")
    assert (await claim(db)).ids == [message_id]


async def test_a_huge_campaign_leaves_turns_to_other_lanes_of_its_priority(
    db: AsyncConnection,
) -> None:
    await add_range(db, number(1000), operator="mts")
    await insert_many(db, [{"phone": str(number(n)), "channel": "planned"} for n in range(300)])
    small = await insert_outbox(db, phone=str(number(1000)), channel="planned")

    for _ in range(60):
        if small in (await claim(db, limit=2)).ids:
            return

    pytest.fail("the lane with one message never had its turn")


async def test_all_suppressed_is_not_taken_for_nothing_due(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="asked us to stop")
    message_id = await insert_outbox(db)

    claimed = await claim(db)

    assert (claimed.judged, claimed.ids) == (1, [])
    assert await fate(db, message_id) == "suppressed(blacklist)"


async def test_a_suppressed_message_never_was_contacted(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="asked us to stop")
    message_id = await insert_outbox(db, client_id=7, campaign_id=8)
    await claim(db)

    seen = await row(db, "select * from sms.outcome where id = %s", message_id)

    assert (seen["attempts"], seen["submitted_at"], seen["provider_id"]) == (0, None, None)
    assert (seen["client_id"], seen["campaign_id"], seen["msisdn"]) == (7, 8, number(1))
    assert seen["final_at"] == seen["decided_at"] == NOON
    assert await contacts(db, message_id) == 0


async def test_a_deferred_message_waits_where_it_was(db: AsyncConnection) -> None:
    await insert(
        db, "quiet_hours", category="transactional", quiet_from="11:00", quiet_until="13:00"
    )
    message_id = await insert_outbox(db, time_zone="Europe/Moscow")

    claimed = await claim(db)

    assert (claimed.judged, claimed.ids) == (1, [])
    seen = await message(db, message_id)
    assert (seen["state"], seen["not_before"], seen["attempts"]) == (
        "pending",
        NOON + timedelta(hours=1),
        0,
    )
    assert await contacts(db, message_id) == 0


async def test_all_reasons_are_kept_and_the_first_in_rule_order_decides(
    db: AsyncConnection,
) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="asked us to stop")
    await insert(db, "cap", period="day", max_messages=0)
    message_id = await insert_outbox(db)
    await claim(db)

    seen = await row(db, "select * from sms.outcome where id = %s", message_id)

    assert seen["reason"] == "blacklist"
    assert seen["reasons"] == ["blacklist", "cap"]
    assert seen["detail"].endswith("asked us to stop")


async def test_the_next_attempt_has_the_next_number(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    first = await claim(db)
    await settle(db, first.claim_id, [message_id], "retry", retry_after_s=0)
    await db.execute("update sms.pending set not_before = %s", [NOON])

    assert (await claim(db)).attempts == [2]


async def test_a_claim_is_known_by_its_worker(db: AsyncConnection) -> None:
    await insert_outbox(db)
    claimed = await claim(db)
    assert (await claim(db)).judged == 0

    assert await row(db, "select claim_id, worker, claimed_at from sms.claim") == {
        "claim_id": claimed.claim_id,
        "worker": "a test",
        "claimed_at": NOON,
    }


async def test_claims_have_increasing_ids(db: AsyncConnection) -> None:
    assert (await claim(db)).claim_id < (await claim(db)).claim_id


async def test_two_claims_at_once_share_the_queue_without_overlap(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        ids = await insert_many(owner, [{"phone": str(number(n))} for n in range(20)])

        first = await claim(one, limit=12)
        second = await claim(other, limit=12)

        assert (len(first.ids), len(second.ids)) == (12, 8)
        assert sorted(first.ids + second.ids) == ids
        assert first.claim_id != second.claim_id
        await one.commit()
        await other.commit()
        assert await nothing_unaccounted(owner)


async def test_a_number_that_another_claim_judges_is_left_for_the_next(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        first, second = await insert_many(owner, [{}, {}])

        assert (await claim(one, limit=1)).ids == [first]
        assert (await claim(other)).judged == 0
        await one.commit()
        assert (await claim(other)).ids == [second]


async def test_a_claim_that_is_rolled_back_leaves_everything_as_it_was(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as worker,
    ):
        await make_provider(owner)
        message_id = await insert_outbox(owner, erp_ref="order 1")

        assert (await claim(worker)).ids == [message_id]
        await worker.rollback()

        assert await states(owner, message_id) == ["pending"]
        assert await contacts(owner, message_id) == 0
        assert await value(owner, "select count(*) from sms.erp_ref") == 0


async def test_a_provider_nobody_knows_is_an_error(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await claim(db, provider="nobody")

    assert refused.value.sqlstate == "SM006"
