"""Names given before sending: whatever happens afterwards, the message is found under its name."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    column,
    hear,
    insert_outbox,
    row,
    rows,
    send,
    settle,
    states,
    value,
)
from tests.uncertain.asking import doubt, handed_over, vanish, waiting


async def refs(db: AsyncConnection, id_: int) -> list[tuple[str, int, int]]:
    """Under which references the provider knows a message: reference, part, of parts."""
    found = await rows(
        db, "select ref, part, parts from sms.provider_ref where id = %s order by part, ref", id_
    )
    return [(seen["ref"], seen["part"], seen["parts"]) for seen in found]


async def test_names_are_written_with_the_mark(db: AsyncConnection) -> None:
    ids = await waiting(db, 2)
    await handed_over(db, *ids, keys=["a", None])

    assert await row(db, "select ids, keys from sms.submitting") == {
        "ids": ids,
        "keys": ["a", None],
    }


@pytest.mark.parametrize("result", ["accepted", "uncertain"])
async def test_settled_messages_are_known_by_their_names(db: AsyncConnection, result: str) -> None:
    ids = await waiting(db, 2)
    claim_id = await handed_over(db, *ids, keys=["a", None])
    await settle(db, claim_id, ids, result)

    assert await refs(db, ids[0]) == [("a", 1, 1)]
    assert await refs(db, ids[1]) == []


@pytest.mark.parametrize("result", ["retry", "rejected", "released"])
async def test_what_was_not_taken_has_no_reference(db: AsyncConnection, result: str) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=["a"])
    await settle(db, claim_id, [id_], result)

    assert await refs(db, id_) == []


async def test_the_name_the_provider_answers_with_is_not_doubled(db: AsyncConnection) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=["a"])
    await settle(db, claim_id, [id_], refs=[(id_, "a")])

    assert await refs(db, id_) == [("a", 1, 1)]


async def test_a_name_speaks_for_the_whole_message_beside_references_of_its_parts(
    db: AsyncConnection,
) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=["a"])
    await settle(db, claim_id, [id_], refs=[(id_, "x"), (id_, "y")])

    await hear(db, (None, "x", "delivered"))
    assert await states(db, id_) == ["accepted"]
    await hear(db, (None, "a", "delivered"))
    assert await states(db, id_) == ["delivered"]


async def test_each_settle_of_a_claim_names_its_own_messages(db: AsyncConnection) -> None:
    ids = await waiting(db, 3)
    claim_id = await handed_over(db, *ids, keys=["a", "b", "c"])
    await settle(db, claim_id, ids[:1])
    await settle(db, claim_id, ids[1:])

    assert [await refs(db, id_) for id_ in ids] == [[(name, 1, 1)] for name in "abc"]


async def test_after_a_lost_lease_the_late_result_names_nothing_twice(
    db: AsyncConnection,
) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=["a"])
    await vanish(db)

    assert await settle(db, claim_id, [id_]) == 0
    assert await refs(db, id_) == [("a", 1, 1)]


async def test_a_vanished_workers_messages_are_known_by_their_names(db: AsyncConnection) -> None:
    ids = await waiting(db, 2)
    await doubt(db, *ids, keys=["a", "b"])

    assert [await refs(db, id_) for id_ in ids] == [[("a", 1, 1)], [("b", 1, 1)]]
    assert await column(db, "select ref from sms.doubtful order by ref") == ["a", "b"]


async def test_a_receipt_by_name_resolves_a_vanished_workers_message(
    db: AsyncConnection,
) -> None:
    ids = await waiting(db, 2)
    await doubt(db, *ids, keys=["a", "b"])

    assert await hear(db, (None, "b", "delivered")) == (1, 1, 0, 0)
    assert await states(db, *ids) == ["uncertain", "delivered"]


@pytest.mark.parametrize("result", ["accepted", "uncertain"])
async def test_a_receipt_by_name_that_was_faster_is_applied_with_the_answer(
    db: AsyncConnection, result: str
) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=["a"])
    assert await hear(db, (None, "a", "delivered")) == (1, 0, 1, 0)

    await settle(db, claim_id, [id_], result)

    assert await states(db, id_) == ["delivered"]
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 0


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_receipt_that_came_before_the_lease_ended_is_applied_with_its_end(
    db: AsyncConnection, by_name: bool
) -> None:
    [id_] = await waiting(db, 1)
    await handed_over(db, id_, keys=["a"])
    await hear(db, (None, "a", "undelivered") if by_name else (id_, None, "undelivered"))

    await vanish(db)

    assert await states(db, id_) == ["undelivered"]


async def test_without_names_nothing_changes(db: AsyncConnection) -> None:
    id_ = await insert_outbox(db)
    await send(db, id_)

    assert await refs(db, id_) == []
    assert await column(db, "select keys from sms.submitting") == [None]


async def test_an_early_receipt_of_one_segment_does_not_speak_for_a_resent_text(
    db: AsyncConnection,
) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_], "uncertain", refs=[(id_, "x"), (id_, "y")])
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[id_]])
    await hear(db, (None, "x", "delivered"))  # it waits again: nothing can be moved now
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_], "uncertain")

    await db.execute("select sms.match_receipts()")

    assert await states(db, id_) == ["uncertain"]
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 0
    await hear(db, (None, "y", "delivered"))
    assert await states(db, id_) == ["delivered"]
