"""Short links over HTTP into a real database: who is led where, who is counted, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from dlr.app import ReceiptApp
from dlr.links import MAX_WAITING, Links
from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseAway
from tests.dlr.conftest import TOKEN, client_of, nobody_hears
from tests.support import factory
from tests.support.waiting import eventually

PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 14; CUBOT X90) Chrome/130.0 Mobile Safari"}
URL = "https://shop.example/весна?для=вас&n=1#top"
URL_SENT_ON = "https://shop.example/%D0%B2%D0%B5%D1%81%D0%BD%D0%B0?%D0%B4%D0%BB%D1%8F=%D0%B2%D0%B0%D1%81&n=1#top"


async def nobody_reports(provider: str, receipts: object) -> None:
    raise AssertionError("a click was taken for a receipt")


def app_following(follow: object) -> ReceiptApp:
    return ReceiptApp(
        providers={},
        record=nobody_reports,
        record_inbound=nobody_hears,
        token=TOKEN,
        follow=follow,  # type: ignore[arg-type]
    )


@pytest.fixture
async def client(dsn: str, conn: AsyncConnection) -> AsyncIterator[httpx.AsyncClient]:
    """A receipt server in front of the test's database, which tracks clicks."""
    await factory.make_provider(conn)
    await factory.track_clicks(conn)
    async with Database(dsn, size=2) as db:

        async def follow(code: str, user_agent: str, is_counted: bool) -> str | None:
            return await db.call(
                calls.follow_link, code=code, user_agent=user_agent, is_counted=is_counted
            )

        async with client_of(app_following(follow)) as client:
            yield client


async def code_of(conn: AsyncConnection, url: str = URL) -> str:
    """The code under which a message with this link went out."""
    id_ = await factory.insert_outbox(conn, body=f"Смотрите {url} сегодня")
    await factory.send(conn, id_)
    return str(
        await factory.value(conn, "select code from sms.short_link where message_id = %s", id_)
    )


async def clicks(conn: AsyncConnection) -> list[bool]:
    """Whether a robot, of each click so far."""
    return await factory.column(conn, "select is_robot from sms.click order by click_id")


async def test_a_person_is_led_on_and_counted(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    code = await code_of(conn)
    answer = await client.get(f"/l/{code}", headers=PHONE)
    assert (answer.status_code, answer.headers["Location"]) == (302, URL_SENT_ON)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    await client.get(f"/l/{code}", headers=PHONE)
    assert await clicks(conn) == [False, False]


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        "TelegramBot (like TwitterBot)",
        "WhatsApp/2.23.20.0",
        "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
        "bot",
        "curl/8.0",
        "",
    ],
)
async def test_robots_are_led_on_and_kept_apart(
    client: httpx.AsyncClient, conn: AsyncConnection, agent: str
) -> None:
    code = await code_of(conn)
    answer = await client.get(f"/l/{code}", headers={"User-Agent": agent})
    assert answer.status_code == 302
    assert await clicks(conn) == [True]


async def test_a_look_at_the_headers_is_no_click(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    code = await code_of(conn)
    answer = await client.head(f"/l/{code}", headers=PHONE)
    assert (answer.status_code, answer.headers["Location"]) == (302, URL_SENT_ON)
    assert await clicks(conn) == []


@pytest.mark.parametrize(
    "code", ["000000000", "abc", "abcdefghij", "абвгдежзи", "a'or'1'='1", "%00"]
)
async def test_a_code_that_leads_nowhere(
    client: httpx.AsyncClient, conn: AsyncConnection, code: str
) -> None:
    await code_of(conn)
    answer = await client.get(f"/l/{code}", headers=PHONE)
    assert (answer.status_code, answer.text) == (404, "Ссылка не найдена или больше не действует.")
    assert await clicks(conn) == []


async def test_a_link_that_is_none_leads_nowhere(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    code = await code_of(conn, "https://shop.example:port/")
    assert (await client.get(f"/l/{code}", headers=PHONE)).status_code == 404


async def test_a_slash_too_many_leads_where_the_link_leads(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    """Not to the same path at whatever host the caller named."""
    code = await code_of(conn)
    answer = await client.get(f"/l/{code}/", headers={**PHONE, "Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (302, URL_SENT_ON)
    for path in ("/l/", f"/l/{code}//", f"/l/{code}/x", f"/l/{code}/x/y"):
        assert (await client.get(path, headers=PHONE)).status_code == 404
    assert await clicks(conn) == [False]


async def test_while_the_database_is_away_nothing_of_the_caller_is_told() -> None:
    async def away(code: str, user_agent: str, is_counted: bool) -> str | None:
        raise DatabaseAway("The database is away: it does not answer.")

    app = app_following(away)
    with capture_logs() as logs:
        async with client_of(app) as client:
            answer = await client.get("/l/Abcdefgh1", headers=PHONE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "Abcdefgh1" not in str(logs)
    assert app.links.counters.waiting == 0


async def test_a_flood_is_put_off() -> None:
    gate = asyncio.Event()

    async def slow(code: str, user_agent: str, is_counted: bool) -> str | None:
        await gate.wait()
        return "https://shop.example/"

    app = app_following(slow)
    app.links.counters.waiting = MAX_WAITING - 1  # as many are inside already
    async with client_of(app) as client:
        first = asyncio.create_task(client.get("/l/Abcdefgh1", headers=PHONE))
        await eventually(lambda: app.links.counters.waiting == MAX_WAITING)
        assert (await client.get("/l/Abcdefgh1", headers=PHONE)).status_code == 503
        gate.set()
        assert (await first).status_code == 302


async def test_whoever_tries_codes_is_told_of_at_the_first_second_fourth_time(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        for _ in range(9):
            await client.get("/l/none", headers=PHONE)
    assert [line["count"] for line in logs if line["event"] == "link_unknown"] == [1, 2, 4, 8]


def test_links_are_opened_with_get_only() -> None:
    async def nowhere(code: str, user_agent: str, is_counted: bool) -> str | None:
        return None

    assert Links(nowhere).route.methods == {"GET", "HEAD"}
