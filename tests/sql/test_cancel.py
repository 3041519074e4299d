"""cancel: what still waits is taken back, in three spellings; nothing else is."""

import asyncio

from psycopg import AsyncConnection

from tests.support.clock import DAY, NOON
from tests.support.factory import (
    claim,
    contacts,
    fate,
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


async def test_one_waiting_message_is_cancelled(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, client_id=7, campaign_id=8)

    assert await value(db, "select sms.cancel(%s::bigint)", message_id) == 1

    seen = await message(db, message_id)
    assert await fate(db, message_id) == "cancelled(cancelled)"
    assert seen["detail"].startswith("by ")
    assert seen["final_at"] is not None
    kept = await row(db, "select client_id, campaign_id, msisdn, attempts from sms.outcome")
    assert kept == {"client_id": 7, "campaign_id": 8, "msisdn": number(1), "attempts": 0}
    assert await nothing_unaccounted(db)


async def test_a_cancelled_message_is_never_sent(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await db.execute("select sms.cancel(%s)", [message_id])

    assert (await claim(db, as_of=NOON + DAY)).judged == 0
    assert await contacts(db, message_id) == 0


async def test_of_many_those_that_wait_are_cancelled(db: AsyncConnection) -> None:
    done, held, *waiting = await insert_many(
        db, [{"phone": str(number(n)), "not_before": NOON + (n > 1) * DAY} for n in range(4)]
    )
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [done])

    ids = [done, held, *waiting, 4711]
    assert await value(db, "select sms.cancel(%s)", ids) == 2
    assert await states(db, *ids) == ["accepted", "inflight", "cancelled", "cancelled", "nowhere"]


async def test_every_waiting_message_of_a_reference_is_cancelled(db: AsyncConnection) -> None:
    first, second, other, none = await insert_many(
        db, [{"erp_ref": ref} for ref in ("order 1", "order 1", "order 10", None)]
    )

    assert await value(db, "select sms.cancel(%s::text)", "order 1") == 2
    assert await states(db, first, second, other, none) == [
        "cancelled",
        "cancelled",
        "pending",
        "pending",
    ]


async def test_equal_hashes_of_different_references_do_not_meet(db: AsyncConnection) -> None:
    other = await insert_outbox(db, erp_ref="order 2")
    await db.execute("update sms.pending set ref_hash = hashtextextended('order 1', 0)")

    assert await value(db, "select sms.cancel(%s::text)", "order 1") == 0
    assert await states(db, other) == ["pending"]


async def test_cancelling_twice_or_nothing_is_no_error(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    assert await value(db, "select sms.cancel(%s::bigint)", message_id) == 1
    assert await value(db, "select sms.cancel(%s::bigint)", message_id) == 0
    assert await value(db, "select sms.cancel('{}'::bigint[])") == 0
    assert await value(db, "select sms.cancel(null::text)") == 0
    assert await value(db, "select sms.cancel('no such reference')") == 0


async def test_a_message_that_waits_for_its_next_attempt_is_cancelled(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], "retry")

    assert await value(db, "select sms.cancel(%s::bigint)", message_id) == 1
    assert (await message(db, message_id))["attempts"] == 1


async def test_a_cancel_that_meets_a_claim_waits_and_then_finds_nothing(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as worker,
    ):
        await make_provider(owner)
        message_id = await insert_outbox(owner)
        assert (await claim(worker)).ids == [message_id]

        cancelling = asyncio.create_task(value(owner, "select sms.cancel(%s::bigint)", message_id))
        await asyncio.sleep(0.1)
        await worker.commit()

        assert await cancelling == 0
        assert await states(owner, message_id) == ["inflight"]


async def test_a_claim_that_meets_a_cancel_passes_by(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as erp,
    ):
        await make_provider(owner)
        message_id = await insert_outbox(owner)
        await erp.execute("select sms.cancel(%s)", [message_id])

        async with asyncio.timeout(20):
            assert (await claim(owner)).judged == 0
        await erp.rollback()
        assert (await claim(owner)).ids == [message_id]
