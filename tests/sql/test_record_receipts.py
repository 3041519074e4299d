"""record_receipts, advance, fold_parts, match_receipts: reports are kept, states move forward."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import NOON
from tests.support.factory import (
    PROVIDER,
    claim,
    contacts,
    fate,
    hear,
    insert,
    insert_many,
    insert_outbox,
    make_provider,
    message,
    nothing_unaccounted,
    number,
    row,
    rows,
    send,
    settle,
    states,
    value,
)

FINAL = ["delivered", "undelivered", "expired", "rejected"]


async def accepted(db: AsyncConnection, *refs: str, n: int = 1) -> int:
    """A message to the n-th number that the provider took, under these references."""
    message_id = await insert_outbox(db, phone=str(number(n)))
    await send(db, message_id, refs=[(message_id, ref) for ref in refs])
    return message_id


async def match(db: AsyncConnection, limit: int = 1000, **at: object) -> int:
    """Run the matching chore once: how many receipts found their message."""
    return int(await value(db, "select sms.match_receipts(%s, %s)", limit, at.get("as_of")))


@pytest.mark.parametrize("state", FINAL)
async def test_a_receipt_by_our_id_moves_its_message(db: AsyncConnection, state: str) -> None:
    message_id = await accepted(db)

    assert await hear(db, (message_id, None, state), error="err:001") == (1, 1, 0, 0)

    seen = await message(db, message_id)
    assert seen["state"] == state
    assert seen["final_at"] is not None
    assert seen["detail"] == (None if state == "delivered" else "err:001")
    assert await contacts(db, message_id) == 1


async def test_a_receipt_by_the_providers_reference_moves_its_message(db: AsyncConnection) -> None:
    message_id = await accepted(db, "ref-1")

    assert await hear(db, (None, "ref-1", "delivered")) == (1, 1, 0, 0)
    assert await states(db, message_id) == ["delivered"]


async def test_the_same_reference_at_another_provider_is_another_message(
    db: AsyncConnection,
) -> None:
    message_id = await accepted(db, "ref-1")
    await make_provider(db, "other", point_lanes=False)

    assert await hear(db, (None, "ref-1", "delivered"), provider="other") == (1, 0, 1, 0)
    assert await states(db, message_id) == ["accepted"]


async def test_a_reference_used_again_means_the_latest_message(db: AsyncConnection) -> None:
    old, new = [await accepted(db, "17", n=n) for n in (1, 2)]

    await hear(db, (None, "17", "delivered"))

    assert await states(db, old, new) == ["accepted", "delivered"]


@pytest.mark.parametrize("later", ["accepted", "undelivered", "expired", "rejected", "buffered"])
async def test_nothing_undoes_delivered(db: AsyncConnection, later: str) -> None:
    message_id = await accepted(db)
    await hear(db, (message_id, None, "delivered"))
    before = await message(db, message_id)

    assert (await hear(db, (message_id, None, later), error="late"))[1] == 0
    assert await message(db, message_id) == before


@pytest.mark.parametrize("first", ["undelivered", "expired", "rejected"])
async def test_what_failed_may_still_turn_out_delivered(db: AsyncConnection, first: str) -> None:
    message_id = await accepted(db)
    await hear(db, (message_id, None, first), error="absent")

    assert await hear(db, (message_id, None, "delivered")) == (1, 1, 0, 0)

    seen = await message(db, message_id)
    assert (seen["state"], seen["detail"]) == ("delivered", None)


@pytest.mark.parametrize("first", ["undelivered", "expired", "rejected"])
@pytest.mark.parametrize("later", ["accepted", "undelivered", "expired", "rejected"])
async def test_the_first_final_state_of_a_rank_stays(
    db: AsyncConnection, first: str, later: str
) -> None:
    message_id = await accepted(db)
    await hear(db, (message_id, None, first))

    assert await hear(db, (message_id, None, later)) == (1, 0, 0, 0)
    assert await states(db, message_id) == [first]


async def test_of_contradicting_receipts_in_one_batch_the_furthest_wins(
    db: AsyncConnection,
) -> None:
    message_id = await accepted(db)

    counts = await hear(
        db,
        (message_id, None, "accepted"),
        (message_id, None, "delivered"),
        (message_id, None, "undelivered"),
    )

    assert counts == (3, 1, 0, 0)
    assert await states(db, message_id) == ["delivered"]


async def test_a_repeated_receipt_is_kept_and_changes_nothing(db: AsyncConnection) -> None:
    message_id = await accepted(db)
    await hear(db, (message_id, None, "delivered"))
    before = await message(db, message_id)

    assert await hear(db, (message_id, None, "delivered")) == (1, 0, 0, 0)
    assert await message(db, message_id) == before
    assert await value(db, "select count(*) from sms.receipt") == 2


async def test_progress_is_kept_and_changes_nothing(db: AsyncConnection) -> None:
    message_id = await accepted(db)

    assert await hear(db, (message_id, None, "buffered")) == (1, 0, 0, 0)
    assert await states(db, message_id) == ["accepted"]


async def test_a_code_nobody_mapped_is_counted_and_kept(db: AsyncConnection) -> None:
    message_id = await accepted(db)

    assert await hear(db, (message_id, None, "zonk")) == (1, 0, 0, 1)
    assert await states(db, message_id) == ["accepted"]
    assert await row(db, "select code, state from sms.receipt") == {"code": "zonk", "state": None}


async def test_codes_are_read_in_the_providers_own_dialect(db: AsyncConnection) -> None:
    message_id = await accepted(db)
    assert (await hear(db, (message_id, None, "1"), provider=PROVIDER))[3] == 1

    await make_provider(db, "gate", adapter="kannel")
    message_id = await insert_outbox(db, phone=str(number(2)))
    claimed = await claim(db, provider="gate")
    await settle(db, claimed.claim_id, claimed.ids)
    assert await hear(db, (message_id, None, "1"), provider="gate") == (1, 1, 0, 0)


async def test_a_corrected_mapping_holds_from_the_next_receipt_on(db: AsyncConnection) -> None:
    message_id = await accepted(db)
    await insert(db, "receipt_code", adapter="fake", code="zonk", state="expired", meaning="?")

    await hear(db, (message_id, None, "zonk"))

    assert await states(db, message_id) == ["expired"]


async def test_every_report_is_kept_as_it_came(db: AsyncConnection) -> None:
    message_id = await accepted(db, "ref-1")
    await hear(db, (None, "ref-1", "delivered"), error="000")

    seen = await row(
        db,
        """
        select message_id, provider_id, code, error, state, provider_ref, raw, occurred_at
          from sms.receipt
        """,
    )

    assert seen == {
        "message_id": message_id,
        "provider_id": await value(db, "select provider_id from sms.provider"),
        "code": "delivered",
        "error": "000",
        "state": "delivered",
        "provider_ref": "ref-1",
        "raw": "raw",
        "occurred_at": NOON,
    }


async def test_a_report_that_names_nobody_is_kept_and_not_waited_for(db: AsyncConnection) -> None:
    assert await hear(db, (None, None, "delivered")) == (1, 0, 0, 0)
    assert await value(db, "select count(*) from sms.receipt") == 1


async def test_an_unknown_message_waits_and_harms_nobody_else(db: AsyncConnection) -> None:
    message_id = await accepted(db)

    counts = await hear(
        db, (4711, None, "delivered"), (None, "who?", "delivered"), (message_id, None, "delivered")
    )

    assert counts == (3, 1, 2, 0)
    assert await states(db, message_id) == ["delivered"]
    assert await match(db) == 0


async def test_no_receipts_are_no_trouble(db: AsyncConnection) -> None:
    assert await hear(db) == (0, 0, 0, 0)


async def test_an_unknown_provider_is_an_error(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await hear(db, (1, None, "delivered"), provider="nobody")

    assert refused.value.sqlstate == "SM006"


@pytest.mark.parametrize("state", ["suppressed", "cancelled"])
async def test_a_receipt_for_what_was_never_handed_over_changes_nothing(
    db: AsyncConnection, state: str
) -> None:
    stopped = await insert_outbox(db, phone=str(number(2)))
    if state == "cancelled":
        await db.execute("select sms.cancel(%s)", [stopped])
    else:
        await insert(db, "blacklist", msisdn=number(2), reason="stop")
        await claim(db)
    good = await accepted(db)

    counts = await hear(db, (stopped, None, "delivered"), (good, None, "delivered"))

    assert counts == (2, 1, 0, 0)
    assert await states(db, stopped, good) == [state, "delivered"]


async def test_the_doubtful_attempt_of_a_message_taken_back_may_have_got_through(
    db: AsyncConnection,
) -> None:
    message_id = await insert_outbox(db)
    await send(db, message_id, result="uncertain")
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await db.execute("select sms.cancel(%s)", [message_id])

    assert await hear(db, (message_id, None, "delivered")) == (1, 1, 0, 0)
    assert await fate(db, message_id) == "delivered"


@pytest.mark.parametrize("by_ref", [False, True])
async def test_a_receipt_before_the_answer_waits_and_is_matched(
    db: AsyncConnection, by_ref: bool
) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    receipt = (None, "r", "delivered") if by_ref else (message_id, None, "delivered")
    assert await hear(db, receipt) == (1, 0, 1, 0)
    assert await states(db, message_id) == ["inflight"]
    assert await match(db) == 0

    await settle(db, claimed.claim_id, [message_id], refs=[(message_id, "r")])

    assert await match(db) == int(by_ref)
    assert await states(db, message_id) == ["delivered"]
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 0


async def test_matching_moves_forward_only(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await hear(db, (None, "r", "accepted"), (None, "r", "delivered"), (None, "r", "expired"))
    await settle(db, claimed.claim_id, [message_id], refs=[(message_id, "r")])

    assert await match(db) == 3
    assert await states(db, message_id) == ["delivered"]


async def test_matching_takes_no_more_than_its_limit(db: AsyncConnection) -> None:
    ids = await insert_many(db, [{"phone": str(number(n))} for n in range(3)])
    await hear(db, *((None, f"r{n}", "delivered") for n in range(3)))
    await send(db, *ids, refs=[(message_id, f"r{n}") for n, message_id in enumerate(ids)])

    assert [await match(db, limit=2) for _ in range(3)] == [2, 1, 0]
    assert await states(db, *ids) == ["delivered"] * 3


@pytest.mark.parametrize(("age", "left"), [(timedelta(days=6), 1), (timedelta(days=8), 0)])
async def test_after_a_week_nobody_looks_for_the_message_any_more(
    db: AsyncConnection, age: timedelta, left: int
) -> None:
    await hear(db, (4711, None, "delivered"))
    received_at = await value(db, "select received_at from sms.unmatched_receipt")

    await match(db, as_of=received_at + age)

    assert await value(db, "select count(*) from sms.unmatched_receipt") == left
    assert await value(db, "select count(*) from sms.receipt") == 1


async def test_a_long_text_is_delivered_when_all_its_segments_are(db: AsyncConnection) -> None:
    message_id = await accepted(db, "a", "b", "c")

    assert await hear(db, (None, "a", "delivered"), (None, "c", "delivered")) == (2, 0, 0, 0)
    assert await states(db, message_id) == ["accepted"]
    assert await hear(db, (None, "b", "delivered")) == (1, 1, 0, 0)
    assert await states(db, message_id) == ["delivered"]


async def test_the_same_segment_twice_is_not_two_segments(db: AsyncConnection) -> None:
    message_id = await accepted(db, "a", "b")

    await hear(db, (None, "a", "delivered"), (None, "a", "delivered"))
    await hear(db, (None, "a", "delivered"))

    assert await states(db, message_id) == ["accepted"]


@pytest.mark.parametrize("order", [["delivered", "undelivered"], ["undelivered", "delivered"]])
async def test_a_long_text_fails_with_one_of_its_segments(
    db: AsyncConnection, order: list[str]
) -> None:
    message_id = await accepted(db, "a", "b")

    for ref, state in zip("ab", order, strict=True):
        await hear(db, (None, ref, state), error="absent")

    assert await states(db, message_id) == ["undelivered"]


async def test_a_segment_that_gets_through_after_all_heals_the_message(
    db: AsyncConnection,
) -> None:
    message_id = await accepted(db, "a", "b")
    await hear(db, (None, "a", "delivered"), (None, "b", "undelivered"))

    await hear(db, (None, "b", "delivered"))

    assert await states(db, message_id) == ["delivered"]


async def test_early_receipts_of_segments_wait_for_the_rest(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await hear(db, (None, "a", "delivered"))
    await settle(db, claimed.claim_id, [message_id], refs=[(message_id, "a"), (message_id, "b")])

    assert await match(db) == 1
    assert await states(db, message_id) == ["accepted"]
    await hear(db, (None, "b", "delivered"))
    assert await states(db, message_id) == ["delivered"]


async def test_a_receipt_by_our_own_id_speaks_for_all_segments(db: AsyncConnection) -> None:
    message_id = await accepted(db, "a", "b")

    await hear(db, (message_id, None, "delivered"))

    assert await states(db, message_id) == ["delivered"]


async def test_a_resent_text_is_delivered_by_the_segments_of_either_attempt(
    db: AsyncConnection,
) -> None:
    message_id = await insert_outbox(db)
    await send(db, message_id, result="uncertain", refs=[(message_id, "a"), (message_id, "b")])
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await db.execute("update sms.pending set not_before = %s", [NOON])
    await send(db, message_id, refs=[(message_id, "x"), (message_id, "y")])

    await hear(db, (None, "x", "delivered"), (None, "y", "delivered"))

    assert await states(db, message_id) == ["delivered"]


async def test_a_big_batch_is_applied_whole(db: AsyncConnection) -> None:
    ids = await insert_many(db, [{"phone": str(number(n))} for n in range(300)])
    await send(db, *ids)

    counts = await hear(db, *((message_id, None, "delivered") for message_id in ids))

    assert counts == (300, 300, 0, 0)
    assert set(await states(db, *ids)) == {"delivered"}
    assert await nothing_unaccounted(db)


async def test_receipts_of_two_segments_at_once_cannot_miss_each_other(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        message_id = await accepted(owner, "a", "b")
        await hear(one, (None, "a", "delivered"))
        second = asyncio.create_task(hear(other, (None, "b", "delivered")))
        await asyncio.sleep(0.1)
        await one.commit()
        await second
        await other.commit()

        assert await states(owner, message_id) == ["delivered"]


async def test_crossing_batches_neither_deadlock_nor_go_back(dsn: str) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as owner:
        await make_provider(owner)
        ids = await insert_many(owner, [{"phone": str(number(n))} for n in range(200)])
        await send(owner, *ids)

        async def report(order: list[int], state: str) -> None:
            async with await AsyncConnection.connect(dsn) as conn:
                for _ in range(5):
                    await hear(conn, *((message_id, None, state) for message_id in order))
                    await conn.commit()

        await asyncio.gather(
            report(ids, "delivered"), report(ids[::-1], "accepted"), report(ids[::-1], "delivered")
        )

        assert set(await states(owner, *ids)) == {"delivered"}
        assert len(await rows(owner, "select from sms.receipt")) == 3000
