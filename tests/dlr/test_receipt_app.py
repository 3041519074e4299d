"""Callbacks in: who is heard, what is answered, and when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import httpx
import pytest
from structlog.testing import capture_logs

from dlr.app import ReceiptApp
from dlr.serve import Listener
from outbox.errors import DatabaseAway, SettingsMistake
from outbox.receipts import Receipt, ReceiptBatcher
from outbox.tokens import account_token
from tests.dlr.conftest import TOKEN, app_with, client_of, nobody_hears, path
from tests.support.waiting import eventually

BIGGEST_ID = 2**63 - 1
OWN = account_token(TOKEN, "post")


class Store:
    """Where receipts go; it can be held up, be away, or hate one of them."""

    def __init__(self) -> None:
        self.commits: list[list[Receipt]] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_away = False
        self.hates: int | None = None

    async def __call__(self, provider: str, receipts: Sequence[Receipt]) -> None:
        await self.is_open.wait()
        if self.is_away:
            raise DatabaseAway("The database is away.")
        if self.hates in {receipt.message_id for receipt in receipts}:
            raise ValueError("cannot be stored")
        self.commits.append(list(receipts))

    @property
    def ids(self) -> list[int | None]:
        return [receipt.message_id for commit in self.commits for receipt in commit]


@pytest.fixture
def store() -> Store:
    return Store()


async def test_a_receipt_is_answered_only_after_its_commit(store: Store) -> None:
    store.is_open.clear()
    app = app_with(store)
    async with client_of(app) as client:
        answer = asyncio.create_task(client.get(path(BIGGEST_ID)))
        await eventually(lambda: app.counters.waiting == 1)
        assert not answer.done()
        store.is_open.set()
        assert (await answer).status_code == 200
        health = await client.get("/health")
    assert store.ids == [BIGGEST_ID]
    assert (health.status_code, app.counters.stored) == (200, 1)


async def test_what_arrives_during_a_commit_shares_the_next_one(store: Store) -> None:
    store.is_open.clear()
    app = app_with(ReceiptBatcher(store).put)
    async with client_of(app) as client:
        answers = [asyncio.create_task(client.get(path(0)))]
        await eventually(lambda: app.counters.waiting == 1)
        answers += [asyncio.create_task(client.get(path(number))) for number in range(1, 50)]
        await eventually(lambda: app.counters.waiting == 50)
        store.is_open.set()
        assert {(await answer).status_code for answer in answers} == {200}
    assert [len(commit) for commit in store.commits] == [1, 49]


async def test_a_wrong_token_is_not_found_and_counted(store: Store) -> None:
    app = app_with(store)
    async with client_of(app) as client:
        with capture_logs() as logs:
            answers = [
                await client.get(path(1, token=wrong))
                for wrong in (OWN[:-1], OWN + "x", "x" * 20, "токен")
            ]
    assert {(a.status_code, a.text) for a in answers} == {(404, "Not found.")}
    assert app.counters.wrong_token == 4
    assert [(log["event"], log["count"]) for log in logs if log["event"] != "dlr_listening"] == [
        ("dlr_wrong_token", 1),
        ("dlr_wrong_token", 2),
        ("dlr_wrong_token", 4),
    ]
    assert TOKEN not in str(logs)
    assert store.commits == []


@pytest.mark.parametrize("where", ["/fake/nobody/{}/1", "/kannel/post/{}/1", "/", "/fake/post"])
async def test_an_unknown_provider_is_not_found(store: Store, where: str) -> None:
    app = app_with(store)
    token = account_token(TOKEN, "nobody" if "nobody" in where else "post")
    async with client_of(app) as client:
        answer = await client.get(where.format(token) + "?code=delivered")
    assert answer.status_code == 404
    assert store.commits == []


@pytest.mark.parametrize(
    "url",
    [
        path("one"),
        path("-1"),
        path("1.5"),
        path("٣"),
        path(2**63),
        path("9" * 25),
        path(1, code=""),
        f"/fake/post/{OWN}?code=delivered",
    ],
)
async def test_what_is_no_receipt_gets_a_sentence(store: Store, url: str) -> None:
    app = app_with(store)
    async with client_of(app) as client:
        with capture_logs() as logs:
            answer = await client.get(url)
    assert answer.status_code == 400
    assert answer.text.endswith(".")
    assert app.counters.malformed == 1
    assert "dlr_malformed" in {log["event"] for log in logs}
    assert store.commits == []


async def test_a_provider_hears_the_words_it_wants(store: Store) -> None:
    async with client_of(app_with(store)) as client:
        answer = await client.post(path(1, provider="particular"), content=b"anything")
    assert (answer.status_code, answer.text) == (202, "100")


async def test_a_body_too_large_for_a_report_is_not_read(store: Store) -> None:
    async with client_of(app_with(store)) as client:
        answer = await client.post(path(1), content=b"x" * (1 << 20) + b"x")
    assert answer.status_code == 413
    assert store.commits == []


async def test_while_the_database_is_away_providers_are_asked_to_call_again(store: Store) -> None:
    store.is_away = True
    async with client_of(app_with(ReceiptBatcher(store).put)) as client:
        refused = await client.get(path(1))
        ill = await client.get("/health")
        store.is_away = False
        again = await client.get(path(1))
        well = await client.get("/health")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert (ill.status_code, ill.json()["status"]) == (503, "not storing")
    assert (again.status_code, well.status_code) == (200, 200)
    assert store.ids == [1]


async def test_one_that_cannot_be_stored_takes_no_neighbour_along(store: Store) -> None:
    store.is_open.clear()
    store.hates = 3
    app = app_with(ReceiptBatcher(store).put)
    async with client_of(app) as client:
        answers = [asyncio.create_task(client.get(path(number))) for number in range(6)]
        await eventually(lambda: app.counters.waiting == 6)
        store.is_open.set()
        statuses = [(await answer).status_code for answer in answers]
    assert statuses == [200, 200, 200, 503, 200, 200]
    assert sorted(store.ids, key=str) == [0, 1, 2, 4, 5]


async def test_a_full_waiting_room_is_a_503_and_not_a_growing_queue(store: Store) -> None:
    store.is_open.clear()
    app = app_with(store, max_waiting=2)
    async with client_of(app) as client:
        waiting = [asyncio.create_task(client.get(path(number))) for number in (1, 2)]
        await eventually(lambda: app.counters.waiting == 2)
        assert (await client.get(path(3))).status_code == 503
        store.is_open.set()
        assert [(await answer).status_code for answer in waiting] == [200, 200]
        assert (await client.get(path(3))).status_code == 200


async def test_callbacks_under_way_are_finished_at_the_end(store: Store) -> None:
    store.is_open.clear()
    app = app_with(store)
    listener = Listener(app.asgi, host="127.0.0.1", port=0)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with listener:
            url = f"http://127.0.0.1:{listener.port}{path(1)}"
            answer = asyncio.create_task(client.get(url))
            await eventually(lambda: app.counters.waiting == 1)
            asyncio.get_running_loop().call_later(0.2, store.is_open.set)
        assert (await answer).status_code == 200
    assert store.ids == [1]


@pytest.mark.parametrize("token", ["", "short", "has spaces in its middle", "slash/slash/slash/x"])
async def test_a_weak_token_is_named(store: Store, token: str) -> None:
    with pytest.raises(SettingsMistake, match=r"^OUTBOX_DLR_TOKEN .* at least 16 .*\.$"):
        ReceiptApp(providers={}, record=store, record_inbound=nobody_hears, token=token)


async def test_a_port_in_use_is_named(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsMistake, match=rf"^OUTBOX_DLR_HOST .*127\.0\.0\.1:{port}"):
            Listener(app_with(store).asgi, host="127.0.0.1", port=port)
