"""mark_submitting: nothing leaves without a mark, and no mark without the lease."""

import asyncio
from datetime import timedelta

from psycopg import AsyncConnection

from tests.support.clock import HOUR, NOON
from tests.support.factory import (
    claim,
    insert_many,
    insert_outbox,
    make_provider,
    mark,
    row,
    settle,
    states,
    value,
)


async def test_a_mark_names_the_claim_and_its_messages(db: AsyncConnection) -> None:
    ids = await insert_many(db, [{}, {}])
    claimed = await claim(db)

    assert await mark(db, claimed.claim_id, ids)

    seen = await row(db, "select claim_id, ids from sms.submitting")
    assert seen == {"claim_id": claimed.claim_id, "ids": ids}


async def test_a_claim_may_be_marked_slice_by_slice(db: AsyncConnection) -> None:
    first, second = await insert_many(db, [{}, {}])
    claimed = await claim(db)

    assert await mark(db, claimed.claim_id, [first])
    assert await mark(db, claimed.claim_id, [second])


async def test_no_mark_once_the_lease_has_run_out(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before=None)
    claimed = await claim(db, as_of=None, lease=timedelta(0))

    assert not await mark(db, claimed.claim_id, [message_id])
    assert await value(db, "select count(*) from sms.submitting") == 0


async def test_no_mark_for_what_another_claim_holds(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    late = await claim(db)
    await db.execute("select sms.expire_leases(p_as_of => %s)", [NOON + HOUR])
    assert (await claim(db, as_of=NOON + HOUR)).ids == [message_id]

    assert not await mark(db, late.claim_id, [message_id])


async def test_no_mark_for_what_is_settled(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id])

    assert not await mark(db, claimed.claim_id, [message_id])


async def test_no_mark_for_nothing(db: AsyncConnection) -> None:
    claimed = await claim(db)

    assert not await mark(db, claimed.claim_id, [])
    assert not await mark(db, claimed.claim_id, [4711])


async def test_while_a_lease_is_being_expired_it_cannot_be_marked(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as worker,
        await AsyncConnection.connect(dsn) as chore,
    ):
        await make_provider(worker)
        message_id = await insert_outbox(worker, not_before=None)
        claimed = await claim(worker, as_of=None)
        await chore.execute("select sms.expire_leases(p_as_of => now() + interval '1 hour')")

        async with asyncio.timeout(20):
            assert not await mark(worker, claimed.claim_id, [message_id])
        await chore.commit()
        assert await states(worker, message_id) == ["pending"]


async def test_a_lease_that_is_being_marked_is_not_expired(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as worker,
    ):
        await make_provider(owner)
        message_id = await insert_outbox(owner, not_before=None)
        claimed = await claim(owner, as_of=None)
        assert await mark(worker, claimed.claim_id, [message_id])
        expire = "select (sms.expire_leases(p_as_of => now() + interval '1 hour')).*"

        assert await row(owner, expire) == {"returned": 0, "uncertain": 0}
        await worker.commit()
        assert await row(owner, expire) == {"returned": 0, "uncertain": 1}
        assert await states(owner, message_id) == ["uncertain"]
