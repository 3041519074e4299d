"""Callbacks over HTTP into a real database: early, late, repeated, unknown, and through a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from psycopg import AsyncConnection

from outbox import calls
from outbox.db import Database
from outbox.receipts import Receipt, ReceiptBatcher
from tests.dlr.conftest import app_with, client_of, path
from tests.support import factory
from tests.support.clock import NOON
from tests.support.server import Server


@pytest.fixture
async def client(dsn: str, conn: AsyncConnection) -> AsyncIterator[httpx.AsyncClient]:
    """A receipt server in front of the test's database."""
    await factory.make_provider(conn, "post")
    async with Database(dsn, size=2) as db:

        async def record(provider: str, receipts: Sequence[Receipt]) -> None:
            await db.call(calls.record_receipts, provider=provider, receipts=receipts)

        async with client_of(app_with(ReceiptBatcher(record).put, max_waiting=1000)) as client:
            yield client


async def accepted(conn: AsyncConnection, count: int = 1) -> list[int]:
    """Messages that the provider took."""
    ids = [
        await factory.insert_outbox(conn, phone=str(factory.number(n)), body=f"{n}")
        for n in range(count)
    ]
    await factory.send(conn, *ids)
    return ids


async def stored(conn: AsyncConnection, message_id: int) -> list[str]:
    """The codes of this message's receipts."""
    return await factory.column(
        conn, "select code from sms.receipt where message_id = %s order by receipt_id", message_id
    )


async def test_a_receipt_moves_its_message(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    [id_] = await accepted(conn)
    assert (await client.get(path(id_))).status_code == 200
    assert await factory.states(conn, id_) == ["delivered"]


async def test_late_and_repeated_receipts_are_kept_and_undo_nothing(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    [id_] = await accepted(conn)
    codes = ["delivered", "accepted", "delivered", "undelivered"]
    for code in codes:
        assert (await client.get(path(id_, code=code))).status_code == 200
    assert await factory.states(conn, id_) == ["delivered"]
    assert await stored(conn, id_) == codes


async def test_an_early_receipt_is_answered_and_counts_once_the_message_is_settled(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    id_ = await factory.insert_outbox(conn, phone=str(factory.number(1)), body="early")
    claim = await factory.claim(conn, as_of=NOON)
    await factory.mark(conn, claim.claim_id, [id_])
    assert (await client.get(path(id_))).status_code == 200
    await factory.settle(conn, claim.claim_id, [id_], "accepted")
    await conn.execute("select sms.match_receipts()")
    assert await factory.states(conn, id_) == ["delivered"]


async def test_receipts_of_nobody_and_with_unknown_codes_are_kept(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    [id_] = await accepted(conn)
    assert (await client.get(path(5))).status_code == 200
    assert (await client.get(path(id_, code="quantum"))).status_code == 200
    assert await stored(conn, id_) == ["quantum"]
    assert await factory.states(conn, id_) == ["accepted"]
    assert await stored(conn, 5) == ["delivered"]


async def test_a_crowd_of_receipts_is_all_there(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    ids = await accepted(conn, 100)
    answers = await asyncio.gather(*(client.get(path(id_)) for id_ in ids))
    assert {answer.status_code for answer in answers} == {200}
    assert set(await factory.states(conn, *ids)) == {"delivered"}


async def test_a_crash_of_the_database_loses_no_answered_receipt(
    client: httpx.AsyncClient, conn: AsyncConnection, dsn: str, cluster: Server
) -> None:
    ids = await accepted(conn, 40)
    await conn.close()

    async def until_answered(message_id: int) -> None:
        async with asyncio.timeout(60):
            while True:
                if (await client.get(path(message_id))).status_code == 200:
                    return
                await asyncio.sleep(0.1)

    telling = asyncio.gather(*(until_answered(id_) for id_ in ids))
    await asyncio.to_thread(cluster.restart)
    await telling
    async with await AsyncConnection.connect(dsn) as again:
        assert set(await factory.states(again, *ids)) == {"delivered"}
