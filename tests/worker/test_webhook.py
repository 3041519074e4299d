"""The on-call is told of every change at least once, and a dead receiver hurts nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from outbox.errors import SettingsMistake
from outbox.rows_routes import Notice
from outbox.settings import Settings, load
from tests.support import factory
from tests.support.peers import Peer, http_peer
from tests.support.waiting import eventually
from tests.worker.conftest import Fake, insert, running, until
from worker.webhook import body


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with http_peer() as peer:
        peer.status = 200
        yield peer


def told(peer: Peer) -> list[dict[str, Any]]:
    """The changes of every POST so far."""
    posts = [json.loads(request.split("\r\n\r\n", 1)[1]) for request in list(peer.requests)]
    return [change for post in posts for change in post["changes"]]


def hooked(settings: Settings, peer: Peer) -> Settings:
    return load(**settings.model_dump(exclude={"webhook_url"}), webhook_url=f"{peer.url}/T0/key")


async def test_a_switch_by_hand_and_a_fallen_breaker_are_told(
    settings: Settings, conn: AsyncConnection, fake: Fake, peer: Peer
) -> None:
    async with running(hooked(settings, peer)):
        await conn.execute("select sms.switch_channel('otp', null, null, 'no money')")
        await conn.execute("update sms.breaker set state = 'open', cause = 'silent', figures = 'x'")
        await eventually(lambda: {change["kind"] for change in told(peer)} == {"lanes", "breaker"})
    parked = next(change for change in told(peer) if change["cause"] == "pinned")
    assert (parked["lanes"], parked["channels"], parked["to"]) == (5, ["otp"], None)
    assert await factory.value(conn, "select bool_and(told_at is not null) from sms.route_notice")


@pytest.mark.parametrize("status", [None, 0, 500, 404])
async def test_a_dead_receiver_never_hurts_sending_and_is_told_later(
    settings: Settings, conn: AsyncConnection, fake: Fake, peer: Peer, status: int | None
) -> None:
    peer.status = status
    await conn.execute("select sms.switch_channel('otp', null)")
    async with running(hooked(settings, peer)):
        await eventually(lambda: peer.requests)
        await insert(conn, 200)
        await until(conn, {"accepted": 200})
        assert not await factory.value(conn, "select count(told_at) from sms.route_notice")
        peer.status = 200
        peer.requests.clear()
        await conn.execute("update sms.route_notice set next_try_at = now()")
        await eventually(lambda: told(peer))


async def test_a_worker_that_dies_between_telling_and_noting_tells_again(
    conn: AsyncConnection, fake: Fake
) -> None:
    take = "select count(*) from sms.take_route_notices()"
    assert await factory.value(conn, take) == 1
    assert await factory.value(conn, take) == 0
    await conn.execute("update sms.route_notice set next_try_at = now()")
    assert await factory.value(conn, take) == 1


async def test_two_workers_share_the_notices(dsn: str, conn: AsyncConnection, fake: Fake) -> None:
    await conn.execute("select sms.switch_channel('otp', null)")
    async with (
        await AsyncConnection.connect(dsn) as first,
        await AsyncConnection.connect(dsn) as second,
    ):
        one = "select count(*) from sms.take_route_notices(1)"
        async with asyncio.timeout(20):
            assert await factory.value(first, one) == 1
            assert await factory.value(second, "select count(*) from sms.take_route_notices()") == 1


async def test_old_news_is_no_news(conn: AsyncConnection, fake: Fake) -> None:
    """Who names a webhook today is not told of last year."""
    await conn.execute("update sms.route_notice set at = now() - interval '25 hours'")
    assert await factory.value(conn, "select count(*) from sms.take_route_notices()") == 0


def test_a_chat_sees_sentences() -> None:
    lanes = {
        "kind": "lanes",
        "from": "main",
        "to": None,
        "cause": "pinned",
        "detail": "no money",
        "is_automatic": False,
        "by": "anna",
        "lanes": 5,
        "channels": ["otp"],
    }
    breaker = {
        "kind": "breaker",
        "provider": "main",
        "to": "open",
        "cause": "silent",
        "figures": "f",
    }
    posted = body([Notice(notice_id=1, payload=breaker), Notice(notice_id=2, payload=lanes)])
    assert posted["text"].splitlines() == [
        "main is left alone: silent (f)",
        "5 lanes of otp: main -> (parked), pinned by anna (no money)",
    ]
    assert [change["id"] for change in posted["changes"]] == ["1", "2"]


@pytest.mark.parametrize("url", ["ftp://x/y", "hooks.example.org", "https:///key", "https://a b/"])
def test_a_wrong_address_is_named_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsMistake) as refused:
        load(webhook_url=url)
    assert "webhook_url" in str(refused.value).lower()
    assert url not in str(refused.value)
