"""Messages from subscribers over HTTP: who is heard, what is answered, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseAway
from outbox.receipts import Inbound, InboundBatcher, Receipt
from outbox.tokens import account_token
from tests.dlr.conftest import TOKEN, app_with, client_of, path
from tests.support import factory
from tests.support.waiting import eventually

OWN = account_token(TOKEN, "brings")
URL = f"/fake/brings/{OWN}/inbound"
STOP = f"ref-1|+{factory.number(1)}|Стоп".encode()


async def no_receipts(provider: str, receipts: Sequence[Receipt]) -> None:
    raise AssertionError("a message was taken for a receipt")


class Store:
    """Where messages go; it can be held up or be away."""

    def __init__(self) -> None:
        self.commits: list[list[Inbound]] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_away = False

    async def __call__(self, provider: str, messages: Sequence[Inbound]) -> None:
        assert provider == "brings"
        await self.is_open.wait()
        if self.is_away:
            raise DatabaseAway("The database is away.")
        self.commits.append(list(messages))


@pytest.fixture
def store() -> Store:
    return Store()


async def test_a_message_is_answered_only_after_its_commit_and_without_a_text(
    store: Store,
) -> None:
    store.is_open.clear()
    app = app_with(no_receipts, record_inbound=store)
    async with client_of(app) as client:
        answer = asyncio.create_task(client.post(URL, content=STOP))
        await eventually(lambda: app.counters.waiting == 1)
        assert not answer.done()
        store.is_open.set()
        assert ((await answer).status_code, (await answer).content) == (200, b"")
    [[message]] = store.commits
    assert (message.ref, message.body) == ("ref-1", "Стоп")
    assert (app.counters.inbound, app.counters.stored) == (1, 0)


async def test_what_arrives_during_a_commit_shares_the_next_one(store: Store) -> None:
    store.is_open.clear()
    app = app_with(no_receipts, record_inbound=InboundBatcher(store).put)
    async with client_of(app) as client:
        answers = [asyncio.create_task(client.post(URL, content=STOP)) for _ in range(20)]
        await eventually(lambda: app.counters.waiting == 20)
        store.is_open.set()
        assert {(await answer).status_code for answer in answers} == {200}
    assert sum(map(len, store.commits)) == 20
    assert len(store.commits) <= 3


@pytest.mark.parametrize(
    "url",
    [
        f"/fake/brings/{OWN}x/inbound",
        f"/fake/brings/{OWN[:-1]}/inbound",
        "/fake/brings/токен/inbound",
        f"/fake/nobody/{account_token(TOKEN, 'nobody')}/inbound",
        f"/kannel/brings/{OWN}/inbound",
        f"/fake/post/{account_token(TOKEN, 'post')}/inbound",  # an adapter that brings none
    ],
)
async def test_who_is_not_known_is_not_found(store: Store, url: str) -> None:
    async with client_of(app_with(no_receipts, record_inbound=store)) as client:
        with capture_logs() as logs:
            answer = await client.post(url, content=STOP)
    assert (answer.status_code, answer.text) == (404, "Not found.")
    assert store.commits == []
    assert TOKEN not in str(logs)
    assert OWN not in str(logs)


async def test_what_is_no_message_gets_a_sentence_and_leaves_no_text_in_the_log(
    store: Store,
) -> None:
    app = app_with(no_receipts, record_inbound=store)
    async with client_of(app) as client:
        with capture_logs() as logs:
            answer = await client.post(URL, content="Секрет".encode())
            large = await client.post(URL, content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, answer.text) == (400, "The fake brings ref|sender|text.")
    assert large.status_code == 413
    assert app.counters.malformed == 1
    assert "dlr_malformed" in {log["event"] for log in logs}
    assert "Секрет" not in str(logs)
    assert store.commits == []


async def test_while_the_database_is_away_providers_are_asked_to_call_again(store: Store) -> None:
    store.is_away = True
    app = app_with(no_receipts, record_inbound=InboundBatcher(store).put)
    async with client_of(app) as client:
        with capture_logs() as logs:
            refused = await client.post(URL, content=STOP)
        ill = await client.get("/health")
        store.is_away = False
        again = await client.post(URL, content=STOP)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert (ill.status_code, again.status_code) == (503, 200)
    assert "Стоп" not in str(logs)
    assert str(factory.number(1)) not in str(logs)


@pytest.fixture
async def client(dsn: str, conn: AsyncConnection) -> AsyncIterator[httpx.AsyncClient]:
    """A receipt server in front of the test's database."""
    await factory.make_provider(conn, "brings", point_lanes=False)
    async with Database(dsn, size=2) as db:

        async def record(provider: str, messages: Sequence[Inbound]) -> None:
            await db.call(calls.record_inbound, provider=provider, messages=messages)

        app = app_with(no_receipts, record_inbound=InboundBatcher(record).put)
        async with client_of(app) as client:
            yield client


async def test_a_repeated_call_is_answered_alike_and_kept_once(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    for _ in range(3):
        assert (await client.post(URL, content=STOP)).status_code == 200
    assert await factory.column(conn, "select body from sms.inbound") == ["Стоп"]
    opted_out = "select count(*) from sms.blacklist where msisdn = %s"
    assert await factory.value(conn, opted_out, factory.number(1)) == 1


async def test_a_text_that_postgresql_cannot_keep_is_kept_nearly_as_it_was(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    content = f"r|+{factory.number(1)}|a\0b".encode()
    assert (await client.post(URL, content=content)).status_code == 200
    assert await factory.column(conn, "select body from sms.inbound") == [
        "a\N{REPLACEMENT CHARACTER}b"
    ]


async def test_receipts_do_not_go_to_the_door_for_messages(store: Store) -> None:
    taken: list[Receipt] = []

    async def record(provider: str, receipts: Sequence[Receipt]) -> None:
        taken.extend(receipts)

    async with client_of(app_with(record, record_inbound=store)) as client:
        assert (await client.get(path(7))).status_code == 200
    assert [receipt.message_id for receipt in taken] == [7]
    assert store.commits == []
