"""Receipts without a message: matched when it is known, for a week, however many strangers wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY
from tests.support.factory import hear, settle, states, value
from tests.uncertain.asking import handed_over, waiting

STRANGERS = 5000


async def match(db: AsyncConnection, as_of: object = None) -> int:
    return int(await value(db, "select sms.match_receipts(500, %s)", as_of))


async def sent(db: AsyncConnection, id_: int, *refs: str) -> None:
    """Send this message; the provider answers with these references."""
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_], refs=[(id_, ref) for ref in refs])


async def orphans(db: AsyncConnection) -> int:
    return int(await value(db, "select count(*) from sms.unmatched_receipt"))


async def add_strangers(db: AsyncConnection, count: int, *, age: timedelta) -> None:
    """Receipts of so long ago for references that nobody knows."""
    await db.execute(
        """
        insert into sms.unmatched_receipt
               (receipt_id, received_at, provider_id, provider_ref, state)
        select sms.id_at(now() - %(age)s) + g, now() - %(age)s, p.provider_id, 'stranger ' || g,
               'delivered'
          from sms.provider as p, generate_series(1, %(count)s) as g
        """,
        {"age": age, "count": count},
    )


async def make_older(db: AsyncConnection, age: timedelta) -> None:
    """Let the receipts that wait have come so long ago."""
    await db.execute(
        """
        update sms.unmatched_receipt
           set receipt_id = receipt_id - (sms.id_at(now()) - sms.id_at(now() - %(age)s)),
               received_at = received_at - %(age)s
        """,
        {"age": age},
    )


@pytest.mark.parametrize("days", [0, 1, 6])
async def test_a_reference_that_becomes_known_within_a_week_is_matched(
    db: AsyncConnection, days: int
) -> None:
    [id_] = await waiting(db, 1)
    await hear(db, (None, "late", "delivered"))
    await make_older(db, days * DAY)
    await sent(db, id_, "late")

    assert await match(db) == 1
    assert await states(db, id_) == ["delivered"]
    assert await orphans(db) == 0


async def test_after_a_week_it_is_not_looked_for_any_more(db: AsyncConnection) -> None:
    await hear(db, (None, "late", "delivered"))
    await make_older(db, 7 * DAY + timedelta(minutes=1))

    assert await match(db) == 0
    assert await orphans(db) == 0
    assert await value(db, "select count(*) from sms.receipt") == 1


async def test_the_newest_is_matched_at_once_however_many_strangers_wait(
    db: AsyncConnection,
) -> None:
    await add_strangers(db, STRANGERS, age=DAY)
    await add_strangers(db, STRANGERS, age=timedelta(minutes=1))
    [id_] = await waiting(db, 1)
    await hear(db, (None, "mine", "delivered"))
    await sent(db, id_, "mine")

    assert await match(db) == 1
    assert await states(db, id_) == ["delivered"]


async def test_every_old_one_has_its_turn_in_a_round(db: AsyncConnection) -> None:
    await add_strangers(db, STRANGERS // 2, age=2 * DAY)
    await hear(db, (None, "mine", "delivered"))
    await make_older(db, DAY)
    await add_strangers(db, STRANGERS // 2, age=timedelta(hours=12))
    [id_] = await waiting(db, 1)
    await sent(db, id_, "mine")

    found = [await match(db) for _ in range(STRANGERS // 500 + 2)]

    assert sum(found) == 1
    assert found[0] == 0  # it was not its turn yet
    assert await states(db, id_) == ["delivered"]
    assert await orphans(db) == STRANGERS


async def test_segments_among_orphans_are_folded(db: AsyncConnection) -> None:
    [id_] = await waiting(db, 1)
    await hear(db, (None, "a", "delivered"), (None, "b", "delivered"))
    await make_older(db, DAY)
    await sent(db, id_, "a", "b")

    assert await match(db) == 2
    assert await states(db, id_) == ["delivered"]
