"""rule_duplicate_ref and claim_refs: of several rows with one erp_ref exactly one is sent."""

import asyncio

import pytest
from psycopg import AsyncConnection

from tests.support.clock import HOUR, NOON
from tests.support.factory import (
    add_template,
    claim,
    claim_all,
    fate,
    insert,
    insert_many,
    insert_outbox,
    make_provider,
    message,
    number,
    send,
    value,
)


async def test_the_second_row_with_a_reference_is_suppressed(db: AsyncConnection) -> None:
    first = await insert_outbox(db, erp_ref="order 1", body="a")
    await send(db, first)
    second = await insert_outbox(db, erp_ref="order 1", body="b")

    await claim(db)

    assert await fate(db, second) == "suppressed(duplicate_ref)"
    assert (await message(db, second))["detail"] == f"message {first} has the same erp_ref"


async def test_the_first_of_one_statement_is_sent(db: AsyncConnection) -> None:
    first, second, third = await insert_many(
        db, [{"erp_ref": "order 1", "phone": str(number(n))} for n in range(3)]
    )

    assert await claim_all(db) == [first]
    assert await fate(db, second) == await fate(db, third) == "suppressed(duplicate_ref)"


async def test_different_references_and_none_do_not_meet(db: AsyncConnection) -> None:
    ids = await insert_many(
        db,
        [
            {"phone": str(number(n)), "erp_ref": ref}
            for n, ref in enumerate(["order 1", "order 2", "Order 1", " order 1", None, None])
        ],
    )

    assert await claim_all(db) == ids


async def test_whoever_is_judged_first_owns_the_reference(db: AsyncConnection) -> None:
    later, sooner = await insert_many(
        db,
        [
            {"erp_ref": "order 1", "phone": str(number(1)), "not_before": NOON + HOUR},
            {"erp_ref": "order 1", "phone": str(number(2)), "not_before": NOON},
        ],
    )

    assert (await claim(db)).ids == [sooner]
    await claim(db, as_of=NOON + HOUR)
    assert await fate(db, later) == "suppressed(duplicate_ref)"


async def test_an_owner_keeps_its_reference_over_retries(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, erp_ref="order 1")
    claimed = await claim(db)
    await db.execute(
        "select sms.settle(%s, %s, '{released}', '{1}', '{null}', '{null}')",
        [claimed.claim_id, [message_id]],
    )

    assert (await claim(db)).ids == [message_id]


async def test_a_suppressed_owner_keeps_its_reference(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="stop")
    ids = await insert_many(db, [{"erp_ref": "order 1", "phone": str(number(n))} for n in (1, 2)])

    assert await claim_all(db) == []
    assert [await fate(db, message_id) for message_id in ids] == [
        "suppressed(blacklist)",
        "suppressed(duplicate_ref)",
    ]


async def test_an_unusable_row_does_not_take_the_reference(db: AsyncConnection) -> None:
    await insert_outbox(db, erp_ref="order 1", phone="no number")
    corrected = await insert_outbox(db, erp_ref="order 1")

    assert (await claim(db)).ids == [corrected]


async def test_equal_hashes_of_different_references_do_not_meet(db: AsyncConnection) -> None:
    owner, other = await insert_many(
        db, [{"erp_ref": ref, "phone": str(number(n))} for n, ref in enumerate(["a", "b"])]
    )
    await insert(
        db, "erp_ref", ref_hash=await value(db, "select hashtextextended('b', 0)"), id=owner
    )

    assert await claim_all(db) == [owner, other]


async def test_a_reference_has_nothing_to_do_with_the_template(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    first, second = await insert_many(
        db, [{"erp_ref": "x", "template": "due", "vars": {"sum": total}} for total in ("1", "2")]
    )

    assert await claim_all(db) == [first]
    assert await fate(db, second) == "suppressed(duplicate_ref)"


@pytest.mark.parametrize("ref", ["order 1", None])
async def test_two_open_transactions_of_the_erp_never_wait_for_each_other(
    dsn: str, ref: str | None
) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        async with asyncio.timeout(20):
            first = await insert_outbox(one, erp_ref=ref, body="a")
            second = await insert_outbox(other, erp_ref=ref, body="b")
            assert await claim_all(owner) == []
            await other.commit()
            await one.commit()

        sent = await claim_all(owner)

        assert sent == ([first] if ref else [first, second])


async def test_the_transaction_that_commits_last_loses_to_one_already_sent(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as slow,
        await AsyncConnection.connect(dsn) as quick,
    ):
        await make_provider(owner)
        late = await insert_outbox(slow, erp_ref="order 1", body="a")
        sent = await insert_outbox(quick, erp_ref="order 1", body="b")
        await quick.commit()
        await send(owner, sent)
        await slow.commit()

        await claim(owner)

        assert await fate(owner, late) == "suppressed(duplicate_ref)"


async def test_two_claims_at_once_send_a_reference_once(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        first, second = await insert_many(
            owner, [{"erp_ref": "order 1", "phone": str(number(n))} for n in (1, 2)]
        )

        assert (await claim(one, limit=1)).ids == [first]
        waiting = asyncio.create_task(claim(other, limit=1))
        await asyncio.sleep(0.05)
        await one.commit()
        assert (await waiting).ids == []
        await other.commit()

        assert await fate(owner, second) == "suppressed(duplicate_ref)"
