"""One hostile connection after another against the port for receipts (S4, S17, S18, S28, S30)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dlr.app import ReceiptApp
from dlr.serve import Listener
from outbox.doors.limits import Limits, is_among, networks, site_of
from outbox.errors import DatabaseAway
from outbox.receipts import Receipt
from outbox.tokens import account_token
from providers.base import Context, MalformedReceipt, Provider, ReceiptRequest
from providers.fake import FakeProvider
from providers.generic_http_callbacks import parse_receipts
from providers.generic_http_settings import Receipts
from tests.dlr.conftest import TOKEN, nobody_hears, path
from tests.support.waiting import eventually

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# Short, so that the tests are; 100 MB are "no end" here.
OWN = account_token(TOKEN, "post")
SHORT = Limits(head_s=0.6, body_s=0.6, idle_s=0.6, unread_s=0.6)
PATIENT = Limits(head_s=60, body_s=60)
ENDED_S = 5.0


class World:
    """A listener, what it stored and how it is called."""

    def __init__(self) -> None:
        self.stored: list[Receipt] = []
        self.app: ReceiptApp
        self.listener: Listener

    async def record(self, provider: str, receipts: Sequence[Receipt]) -> None:
        self.stored.extend(receipts)

    @property
    def refused(self) -> dict[str, int]:
        return dict(self.listener.hall.refused)

    async def connect(self, text: bytes = b"") -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        if text:
            writer.write(text)
            await writer.drain()
        return reader, writer

    async def ask(self, text: bytes) -> bytes:
        """All that is answered until the connection is closed."""
        reader, writer = await self.connect(text)
        try:
            return await all_of(reader)
        finally:
            writer.close()

    async def tell(self, message_id: int) -> int:
        """A true receipt on a connection of its own; the status."""
        base = f"http://127.0.0.1:{self.listener.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=5) as client:
            return (await client.get(path(message_id))).status_code


async def _ignore(receipts: Sequence[Receipt]) -> None:
    """A sink of providers that only parse."""


@asynccontextmanager
async def world_with(limits: Limits, **options: Any) -> AsyncIterator[World]:
    world = World()
    context = Context(sink=_ignore)
    providers: dict[tuple[str, str], Provider] = {
        ("fake", "post"): FakeProvider("post", {}, None, context)
    }
    world.app = ReceiptApp(
        providers=providers,
        record=world.record,
        record_inbound=nobody_hears,
        token=TOKEN,
        **options,
    )
    async with Listener(world.app.asgi, limits=limits) as world.listener:
        yield world


async def all_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(ENDED_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def is_ended(streams: Streams) -> bytes:
    """What was said before the end; TimeoutError where it does not end."""
    reader, writer = streams
    try:
        return await all_of(reader)
    finally:
        writer.close()


async def pour(streams: Streams, drop: bytes, *, every_s: float = 0.0) -> int:
    """Write until it is ended by the other side; how many bytes it took."""
    _, writer = streams
    poured = 0
    async with asyncio.timeout(ENDED_S):
        try:
            while poured < 100_000_000:
                writer.write(drop)
                await writer.drain()
                poured += len(drop)
                await asyncio.sleep(every_s)
        except ConnectionError:
            pass
        finally:
            writer.close()
    return poured


def get(message_id: object = 1, *, token: str = OWN, head: str = "") -> bytes:
    return f"GET {path(message_id, token=token)} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode()


def post(message_id: object = 1, *, token: str = OWN, head: str) -> bytes:
    return f"POST {path(message_id, token=token)} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode()


# Too slow


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "silent"),
        (b"GET /fake", "slow"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n", "slow"),
        (b"\r\n", "slow"),
        (post(head="Content-Length: 10\r\n") + b"12345", "slow"),
        (post(head="Content-Length: 10\r\n", token="x" * 20) + b"12345", "slow"),
        (post(head="Transfer-Encoding: chunked\r\n") + b"5\r\n123", "slow"),
    ],
)
async def test_whoever_stops_in_the_middle_is_ended(said: bytes, why: str) -> None:
    async with world_with(SHORT) as world:
        await is_ended(await world.connect(said))
        assert world.refused == {why: 1}
        assert len(world.listener.hall) == 0


async def test_between_two_requests_a_caller_may_be_silent_for_a_while() -> None:
    async with world_with(replace(SHORT, head_s=60, body_s=60)) as world:
        answer = await is_ended(await world.connect(get()))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert world.refused == {}  # nothing was wrong with it


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b"\r\n"),
        (b"GET /", b"a"),
        (b"GET / HTTP/1.1\r\nX: ", b"a"),
        (post(head="Content-Length: 1000\r\n"), b"a"),
        (post(head="Content-Length: 1000\r\n", token="x" * 20), b"a"),
        (post(head="Transfer-Encoding: chunked\r\n"), b"1\r\na\r\n"),
    ],
)
async def test_whoever_trickles_is_ended_although_something_comes(
    begin: bytes, drop: bytes
) -> None:
    async with world_with(SHORT) as world:
        poured = await pour(await world.connect(begin), drop, every_s=0.05)
        assert poured < 50 * len(drop)
        assert world.refused == {"slow": 1}
        assert world.stored == []


async def test_a_body_that_is_too_slow_hears_so() -> None:
    async with world_with(SHORT) as world:
        answer = await world.ask(post(head="Content-Length: 10\r\n") + b"12345")
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_whoever_never_reads_the_answers_is_ended() -> None:
    limits = replace(SHORT, idle_s=60, head_s=60, body_s=60, pipelined=1_000_000)
    async with world_with(limits) as world:
        reader, writer = await world.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        calls = get(token="x" * 20) * 50
        async with asyncio.timeout(60):
            while "unread" not in world.refused and len(world.listener.hall):
                writer.write(calls)
                await asyncio.sleep(0.01)
        assert world.refused.get("unread") == 1
        writer.transport.abort()


# Too much


@pytest.mark.parametrize(
    ("begin", "drop", "why"),
    [
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 8192, "head"),
        (b"GET /", b"a" * 8192, "head"),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 1000, "headers"),
        (b"GET / HTTP/1.1\r\n", b"a" * 8192, "head"),
        (post(head="Transfer-Encoding: chunked\r\n"), b"1;" + b"x" * 8192, "body"),
        (
            post(head="Transfer-Encoding: chunked\r\n", token="x" * 20),
            b"400\r\n" + b"x" * 1024 + b"\r\n",
            "body",
        ),
        (post(head="Transfer-Encoding: chunked\r\n") + b"0\r\nX: ", b"a" * 8192, "body"),
        (b"", get(token="x" * 20) * 1000, "pipelined"),
    ],
)
async def test_what_has_no_end_is_not_swallowed(begin: bytes, drop: bytes, why: str) -> None:
    async with world_with(PATIENT) as world:
        poured = await pour(await world.connect(begin), drop)
        assert why in world.refused
        assert poured < 20_000_000  # the system's buffers on both sides
        assert len(world.listener.hall) == 0
        assert world.stored == []


async def test_a_head_that_is_too_long_hears_so() -> None:
    async with world_with(PATIENT) as world:
        long = await world.ask(get(head="X-Long: " + "a" * 40_000 + "\r\n"))
        many = await world.ask(get(head="X: y\r\n" * 101))
        assert {long[:13], many[:13]} == {b"HTTP/1.1 431 "}
        assert world.stored == []
        assert await world.tell(1) == 200


async def test_a_hundred_thousand_fields_are_counted_and_not_parsed() -> None:
    """S30: parsing them took 0.93 s of the event loop."""
    async with world_with(PATIENT) as world:
        form = b"&".join(b"a%d=1" % n for n in range(100_000))
        base = f"http://127.0.0.1:{world.listener.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
            kinds = ("application/x-www-form-urlencoded", "application/json", "")
            for kind in kinds:
                headers = {"Content-Type": kind} if kind else {}
                answer = await client.post(path(1), content=form, headers=headers)
                assert answer.status_code == 413
            query = await client.get(path(1) + "&a=1" * 2001)
            assert query.status_code == 413
        assert world.stored == []


async def test_bodies_of_all_callers_together_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dlr.bodies.MAX_IN_ALL", 100_000)
    async with world_with(PATIENT) as world:
        head = post(head="Content-Length: 60000\r\n")
        first = await world.connect(head + b"a" * 59_999)
        await eventually(lambda: world.app._bodies._held == 59_999)
        answer = await world.connect(head + b"a" * 59_999)
        assert (await answer[0].readline()).startswith(b"HTTP/1.1 503 ")
        first[1].write(b"a")
        assert b" 200 " in await first[0].readline()
        for _, writer in (first, answer):
            writer.transport.abort()
        await eventually(lambda: world.app._bodies._held == 0)


# Too many


async def test_when_it_is_full_the_oldest_silent_stranger_has_to_go() -> None:
    async with world_with(replace(PATIENT, connections=8)) as world:
        known = await world.connect(get(1))
        await known[0].readuntil(b"\r\n\r\n")
        silent = [await world.connect() for _ in range(7)]
        await eventually(lambda: len(world.listener.hall) == 8)
        for n in range(20):
            assert await world.tell(n) == 200
        assert await is_ended(silent[0]) == b""
        known[1].write(get(77))  # a known caller between two calls stayed
        assert await known[0].readline() == b"HTTP/1.1 200 OK\r\n"
        assert world.refused["displaced"] >= 1
        assert {receipt.message_id for receipt in world.stored} == {1, 77, *range(20)}
        for _, writer in (known, *silent):
            writer.transport.abort()


async def test_many_connections_at_once_leave_room_for_true_receipts() -> None:
    """Who came may speak before others take the place: nobody is displaced before his head."""
    async with world_with(replace(PATIENT, connections=32)) as world:
        strangers = await asyncio.gather(*(world.connect() for _ in range(200)))
        assert await asyncio.gather(*(world.tell(n) for n in range(20))) == [200] * 20
        assert len(world.listener.hall) <= 32
        assert sorted(receipt.message_id or 0 for receipt in world.stored) == list(range(20))
        for _, writer in strangers:
            writer.transport.abort()


async def test_those_of_one_address_displace_one_another() -> None:
    limits = replace(PATIENT, connections=100, per_address=4, trusted=())
    async with world_with(limits) as world:
        strangers = [await world.connect() for _ in range(20)]
        await eventually(lambda: world.refused.get("crowded") == 16)
        assert len(world.listener.hall) == 4
        assert await world.tell(1) == 200
        for _, writer in strangers:
            writer.transport.abort()


async def test_a_trusted_proxy_speaks_for_many() -> None:
    limits = replace(PATIENT, per_address=4, trusted=networks("127.0.0.1"))
    async with world_with(limits) as world:
        strangers = [await world.connect() for _ in range(20)]
        await eventually(lambda: len(world.listener.hall) == 20)
        assert world.refused == {}
        for _, writer in strangers:
            writer.transport.abort()


def test_addresses_are_counted_by_who_has_them() -> None:
    assert site_of("192.0.2.7") == site_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert site_of("2001:db8:1:2:3::4") == site_of("2001:db8:1:2::ffff") == "2001:db8:1:2::/64"
    assert site_of("2001:db8:1:3::1") != site_of("2001:db8:1:2::1")
    assert site_of("fe80::1%eth0") == "fe80::/64"
    assert is_among("::ffff:127.0.0.1", networks("127.0.0.0/8"))
    assert not is_among("192.0.2.7", networks("127.0.0.0/8, ::1"))


async def test_an_address_that_brought_a_token_is_sent_away_after_strangers() -> None:
    """Even before it says anything: a flood may come faster than its next request."""
    async with world_with(replace(PATIENT, connections=8, trusted=())) as world:
        assert await world.tell(1) == 200
        friend = await world.connect()
        await eventually(lambda: len(world.listener.hall) == 1)
        world.listener.hall._friends.clear()
        strangers = [await world.connect() for _ in range(30)]
        await eventually(lambda: world.refused.get("displaced", 0) >= 23)
        friend[1].write(get(2, head="Connection: close\r\n"))
        assert (await all_of(friend[0])).startswith(b"HTTP/1.1 200 ")
        for _, writer in (friend, *strangers):
            writer.transport.abort()


async def test_no_descriptor_is_told_once_and_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world_with(PATIENT) as world:

        class Full:
            tries = 0

            def accept(self) -> None:
                Full.tries += 1
                raise OSError(24, "Too many open files")

            def fileno(self) -> int:
                return real.fileno()

            def close(self) -> None:
                real.close()

        real = world.listener._socket
        monkeypatch.setattr(world.listener, "_socket", Full())
        stranger = await world.connect()
        await eventually(lambda: Full.tries >= 5)
        monkeypatch.setattr(world.listener, "_socket", real)
        assert await world.tell(1) == 200
        stranger[1].close()
        assert Full.tries < 100
    assert capsys.readouterr().out.count("dlr_cannot_accept") == 1


async def test_what_is_no_http_is_answered_each_time_and_logged_seldom(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world_with(PATIENT) as world:
        capsys.readouterr()
        with caplog.at_level(logging.DEBUG):
            for _ in range(50):
                assert (await world.ask(b"\x16\x03\x01\x02\x00\r\n\r\n"))[:13] == b"HTTP/1.1 400 "
                torn = post(head="Transfer-Encoding: chunked\r\nConnection: close\r\n")
                await world.ask(torn + b"zz\r\n")
        assert world.refused == {"malformed": 100}
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
        assert len(capsys.readouterr().out.splitlines()) <= 2
        assert world.stored == []


# What true clients do


async def test_http_1_0_is_answered_and_closed() -> None:
    async with world_with(PATIENT) as world:
        answer = await world.ask(f"GET {path(1)} HTTP/1.0\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert len(world.stored) == 1


@pytest.mark.parametrize("token", [OWN, "x" * 20])
async def test_only_who_knows_the_token_is_asked_for_a_body(token: str) -> None:
    head = "Expect: 100-continue\r\nContent-Length: 2\r\n"
    async with world_with(PATIENT) as world:
        reader, writer = await world.connect(post(token=token, head=head))
        line = await reader.readline()
        assert line.split()[1] == (b"100" if token == OWN else b"404")
        writer.write(b"{}")
        if token == OWN:
            assert b" 200 " in await reader.readuntil(b"OK\r\n")
        writer.transport.abort()
        assert len(world.stored) == (token == OWN)


@pytest.mark.parametrize("wish", ["websocket", "h2c", "nonsense"])
async def test_another_protocol_is_not_spoken_and_the_receipt_is_taken(
    wish: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Java's own client asks for h2c each time."""
    head = f"Connection: Upgrade\r\nUpgrade: {wish}\r\n"
    async with world_with(PATIENT) as world:
        for n in range(20):
            assert (await world.ask(get(n, head=head))).startswith(b"HTTP/1.1 200 ")
            call = post(n, head=head + "Content-Length: 2\r\n") + b"{}"
            assert (await world.ask(call)).startswith(b"HTTP/1.1 200 ")
        assert len(world.stored) == 40
    assert caplog.records == []


async def test_some_requests_sent_ahead_are_all_answered_in_turn() -> None:
    async with world_with(PATIENT) as world:
        calls = b"".join(get(n) for n in range(49)) + get(49, head="Connection: close\r\n")
        answers = await world.ask(calls)
        assert answers.count(b"HTTP/1.1 200 OK") == 50
        assert [receipt.message_id for receipt in world.stored] == list(range(50))


async def test_a_deep_json_is_no_receipt() -> None:
    async with world_with(PATIENT) as world:
        deep = b"[" * 400_000
        head = f"Content-Length: {len(deep)}\r\nConnection: close\r\n"
        answer = await world.ask(post("x", head=head) + deep)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert world.stored == []


# HEAD, redirects, counters


@pytest.mark.parametrize("end", ["", "/5", "/inbound"])
async def test_a_look_at_the_headers_stores_nothing(end: str) -> None:
    """S17: HEAD was answered as GET, and stored."""
    async with world_with(PATIENT) as world:
        url = f"/fake/post/{OWN}{end}?code=delivered"
        answer = await world.ask(
            f"HEAD {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"allow: " in answer
        assert b"HEAD" not in answer
        assert world.stored == []


@pytest.mark.parametrize(
    "url", ["/fake/post/{}/5/", "/fake/post/{}/", "/fake/post/{}/inbound/", "/health/", "/l"]
)
async def test_nobody_is_led_where_the_callers_host_says(url: str) -> None:
    """S18: 307 to http://evil/…, token and all."""
    async with world_with(PATIENT) as world:
        where = url.format(OWN)
        answer = await world.ask(
            f"GET {where} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"evil" not in answer
        assert world.stored == []


async def test_health_tells_strangers_nothing_but_whether_it_is_well() -> None:
    """S28: it told all counters."""
    async with world_with(PATIENT) as world:
        assert await world.tell(1) == 200
        answer = await world.ask(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert json.loads(body) == {"status": "ok"}
        look = await world.ask(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert look.startswith(b"HTTP/1.1 200 ")


async def test_a_database_that_is_away_is_complained_of_once_however_many_open_links(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def away(code: str, user_agent: str, is_counted: bool) -> str | None:
        raise DatabaseAway("The database is away.")

    async with world_with(PATIENT, follow=away) as world:
        link = b"GET /l/Abcdefgh1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        for _ in range(20):
            assert (await world.ask(link)).startswith(b"HTTP/1.1 503 ")
    assert capsys.readouterr().out.count("link_not_led") == 1


def test_a_callback_of_more_than_a_thousand_items_is_no_receipt() -> None:
    """S30 by another way: each item costs more than its parsing."""
    settings = Receipts.model_validate(
        {"methods": ["POST"], "format": "json", "items": "@", "id": "id", "code": "code"}
    )

    def request(count: int) -> ReceiptRequest:
        body = json.dumps([{"id": n + 1, "code": "1"} for n in range(count)]).encode()
        return ReceiptRequest(method="POST", message_id=None, query=b"", headers={}, body=body)

    assert len(parse_receipts(settings, request(1000), secret=None, dialect=None)) == 1000
    with pytest.raises(MalformedReceipt, match="more than 1000 items"):
        parse_receipts(settings, request(1001), secret=None, dialect=None)
