"""The kannel adapter against answers that a real Kannel gives only in trouble, or never."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from providers.base import Accepted, Context, Rejected, Retry, SettingsError, Uncertain
from providers.kannel import KannelProvider
from providers.kannel_status import parse_status
from tests.support.messages import FIRST_ID, message, send_all
from tests.support.peers import Peer, http_peer

ONLINE = """<?xml version="1.0"?><gateway><sms><sent><queued>2</queued></sent>
<storesize>{stored}</storesize></sms><smscs><count>2</count>
<smsc><id>a</id><status>{status}</status><queued>3</queued></smsc>
<smsc><queued>40</queued><status>dead</status><id>b</id></smsc></smscs></gateway>"""


@pytest.fixture
async def smsbox() -> AsyncIterator[Peer]:
    async with http_peer() as peer:
        yield peer


@pytest.fixture
async def bearerbox() -> AsyncIterator[Peer]:
    async with http_peer() as peer:
        peer.status, peer.body = 200, ONLINE.format(stored=0, status="online 5s")
        yield peer


async def ignore(receipts: object) -> None:
    """A sink nobody calls."""


def dlr_url(provider: str, message_id: int) -> str:
    return f"http://listener/kannel/{provider}/token/{message_id}"


def kannel(peer: Peer, secret: str | None = "s3cret", **settings: Any) -> KannelProvider:
    given = {"url": f"{peer.url}/cgi-bin/sendsms", "username": "outbox", **settings}
    return KannelProvider("main", given, secret, Context(sink=ignore, dlr_url=dlr_url))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (202, "0: Accepted for delivery", Accepted(id=FIRST_ID)),
        (
            202,
            "3: Queued for later delivery",
            Accepted(id=FIRST_ID, detail="3: Queued for later delivery"),
        ),
        (
            400,
            "Number(s) has/have been denied by white- and/or black-lists.",
            Rejected(
                id=FIRST_ID,
                detail="Kannel: 400 Number(s) has/have been denied by white- and/or black-lists.",
            ),
        ),
    ],
)
async def test_answers_about_the_message(
    smsbox: Peer, status: int, body: str, expected: object
) -> None:
    smsbox.status, smsbox.body = status, body
    async with kannel(smsbox) as provider:
        assert await send_all(provider, [message(0)]) == [expected]
        assert await provider.capacity() is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, "Temporal failure, try again later."),
        (500, "Sending failed."),
        (403, "Authorization failed for sendsms"),
        (403, "Not routable. Do not try again."),
        (404, "Unknown request."),
        (200, "Unknown command `/cgi-bin/sendsms'."),
        (400, "Sender missing and no global set, rejected"),
        (400, "DLR-URL field misformed, rejected"),
    ],
)
async def test_answers_about_kannel_itself_cost_nobody_an_attempt(
    smsbox: Peer, status: int, body: str
) -> None:
    smsbox.status, smsbox.body = status, body
    async with kannel(smsbox, parallel=1, back_off_s=7) as provider:
        with capture_logs() as logs:
            results = await send_all(provider, [message(0), message(1)])
        assert await provider.capacity() == 0
    pause = timedelta(seconds=7)
    said = f"Kannel: {status} {body}"
    assert results == [
        Retry(id=FIRST_ID + n, detail=said, after=pause, throttled=True) for n in (0, 1)
    ]
    assert len(smsbox.requests) == 1  # the second message was not tried
    assert [(log["event"], log["trouble"]) for log in logs] == [("kannel_trouble", said)]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "OK"), (302, ""), (502, "Bad Gateway"), (504, "Gateway Time-out"), (0, ""), (None, "")],
    ids=["200", "302", "502", "504", "connection cut", "silence"],
)
async def test_what_may_have_gone_is_uncertain_and_ends_the_batch(
    smsbox: Peer, status: int | None, body: str
) -> None:
    smsbox.status, smsbox.body = status, body
    async with kannel(smsbox, parallel=2, timeout_s=1.5) as provider:
        results = await send_all(provider, [message(number) for number in range(6)])
    kinds = [type(result) for result in results]
    assert kinds[0] is Uncertain
    assert 1 <= kinds.count(Uncertain) <= 2
    assert kinds.count(Retry) == 6 - kinds.count(Uncertain)
    assert len(smsbox.requests) == kinds.count(Uncertain)


async def test_a_peer_that_answers_drop_by_drop_cannot_hold_a_message_past_the_timeout(
    smsbox: Peer,
) -> None:
    smsbox.trickle_s = 0.1
    started = time.monotonic()
    async with kannel(smsbox, timeout_s=0.5) as provider:
        [result] = await send_all(provider, [message(0)])
    assert isinstance(result, Uncertain)
    assert time.monotonic() - started < 5


async def test_not_routable_while_our_link_is_online_costs_an_attempt(
    smsbox: Peer, bearerbox: Peer
) -> None:
    smsbox.status, smsbox.body = 403, "Not routable. Do not try again."
    async with kannel(smsbox, admin_url=bearerbox.url, smsc="a") as provider:
        assert await provider.capacity()
        results = await send_all(provider, [message(0), message(1)])
        assert await provider.capacity()  # the others go on
    assert [isinstance(r, Retry) and not r.throttled for r in results] == [True, True]


async def test_secrets_and_texts_are_in_no_url(smsbox: Peer, bearerbox: Peer) -> None:
    body = "Ваш код 4321"
    async with kannel(smsbox, admin_url=bearerbox.url, smsc="a", sender_id="BANK") as provider:
        with capture_logs() as logs:
            await provider.capacity()
            await send_all(provider, [message(5, body, sender_id=None, priority=0)])
    [request] = smsbox.requests
    head, _, sent = request.partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == "POST /cgi-bin/sendsms HTTP/1.1"
    assert sent == body
    values = dict(header.split(": ", 1) for header in headers)
    assert {name: value for name, value in values.items() if name.startswith("X-Kannel")} == {
        "X-Kannel-Username": "outbox",
        "X-Kannel-Password": "s3cret",
        "X-Kannel-SMSC": "a",
        "X-Kannel-From": "BANK",
        "X-Kannel-To": "79070000005",
        "X-Kannel-Coding": "2",
        "X-Kannel-Priority": "3",
        "X-Kannel-Validity": "60",
        "X-Kannel-DLR-Mask": "19",
        "X-Kannel-DLR-Url": f"http://listener/kannel/main/token/{FIRST_ID + 5}"
        "?type=%d&smsc=%i&fid=%F&ts=%T&reply=%A",
    }
    assert values["Content-Type"] == "text/plain; charset=UTF-8"
    assert logs == []


async def test_gsm7_texts_go_at_coding_0_without_priority_where_it_is_switched_off(
    smsbox: Peer,
) -> None:
    async with kannel(smsbox, send_priority=False) as provider:
        await send_all(provider, [message(1, "[GSM]")])
    assert "X-Kannel-Coding: 0" in smsbox.requests[0]
    assert "X-Kannel-Priority" not in smsbox.requests[0]


async def test_a_message_that_expired_here_is_handed_back_unsent(smsbox: Peer) -> None:
    async with kannel(smsbox) as provider:
        [result] = await send_all(provider, [message(1, expires_at=datetime.now(UTC))])
    assert isinstance(result, Retry)
    assert result.throttled
    assert smsbox.requests == []


async def test_the_last_minute_counts_as_a_whole_one(smsbox: Peer) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=20)
    async with kannel(smsbox) as provider:
        await send_all(provider, [message(1, expires_at=soon)])
    assert "X-Kannel-Validity: 1\r\n" in smsbox.requests[0]


async def test_a_mistake_of_ours_leaves_no_batch_waiting(smsbox: Peer) -> None:
    lone_surrogate = message(1)
    object.__setattr__(lone_surrogate, "body", "\ud83d")
    async with kannel(smsbox) as provider:
        with capture_logs() as logs:
            results = await send_all(provider, [lone_surrogate, message(2)])
    assert [type(result) for result in results] == [Uncertain, Accepted]
    assert [log["event"] for log in logs] == ["kannel_bug"]


@pytest.mark.parametrize(
    ("secret", "settings", "sentence"),
    [
        (None, {}, r'Provider "main" has no password: set secret_env'),
        ("", {}, r'Provider "main" has no password'),
        ("пароль", {}, r"must be printable ASCII"),
        ("a\r\nX-Evil: 1", {}, r"must be printable ASCII"),
        (
            "s",
            {"admin_url": "http://127.0.0.1:1", "status_secret_env": "OUTBOX_SECRET_NONE"},
            r"OUTBOX_SECRET_NONE",
        ),
    ],
)
async def test_opening_names_what_is_missing(
    smsbox: Peer, secret: str | None, settings: dict[str, Any], sentence: str
) -> None:
    provider = kannel(smsbox, secret=secret, **settings)
    with pytest.raises(SettingsError, match=sentence):
        async with provider:
            pass


async def test_room_shrinks_with_each_message_between_two_looks(
    smsbox: Peer, bearerbox: Peer
) -> None:
    bearerbox.body = ONLINE.format(stored=7, status="online 5s")
    settings: dict[str, Any] = {
        "admin_url": bearerbox.url,
        "smsc": "a",
        "max_queued": 20,
        "status_every_s": 60,
    }
    async with kannel(smsbox, **settings) as provider:
        assert await provider.capacity() == 13
        await send_all(provider, [message(n) for n in range(10)])
        assert await provider.capacity() == 3
        await send_all(provider, [message(n) for n in range(10)])
        assert await provider.capacity() == 0
    assert len(bearerbox.requests) == 1


async def test_an_unreadable_status_page_does_not_stop_the_messages(
    smsbox: Peer, bearerbox: Peer
) -> None:
    bearerbox.body = "<html>"
    async with kannel(smsbox, admin_url=bearerbox.url) as provider:
        with capture_logs() as logs:
            assert await provider.capacity() is None
    assert [log["trouble"] for log in logs] == ["unreadable"]


@pytest.mark.parametrize(
    ("smsc", "stored", "queued", "online"),
    [(None, -1, 45, True), ("a", -1, 5, True), ("a", 60, 60, True), ("b", 0, 42, False)],
)
def test_depth_is_what_is_stored_or_else_what_is_queued(
    smsc: str | None, stored: int, queued: int, online: bool
) -> None:
    depth = parse_status(ONLINE.format(stored=stored, status="online 5s").encode(), smsc)
    assert (depth.queued, depth.online) == (queued, online)


@pytest.mark.parametrize("body", [b"", b"<status/>", b"<gateway>", b"\xff"])
def test_another_page_is_no_status(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no XML|not <gateway>"):
        parse_status(body, None)
