"""Statuses as smsc.ru posts and signs them, through the receipt server; and its codes as data."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from dlr.app import ReceiptApp
from dlr.serve import Listener
from outbox.tokens import account_token
from providers.base import (
    Inbound,
    MalformedInbound,
    MalformedReceipt,
    Receipt,
    ReceiptRequest,
)
from providers.smsc_ru import SmscRuProvider
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.codes import known_codes
from tests.support.messages import message, send_all
from tests.support.smsc_ru import CALLBACK_ENV, provider_for
from tests.support.waiting import eventually

SECRET = "callback-secret"
TOKEN = "a-token-for-the-tests"
SEED = Path(__file__).parents[2] / "sql" / "seed"
STATUSES = {-3, -2, -1, 0, 1, 2, 3, 4, 6, 20, 22, 23, 24, 25}
ERRORS = {1, 2, 3, 4, 6, 11, 12, 13, 21, 200, 219, 220, 237, 238, 239, *range(240, 256)}
REFUSALS = {1, 5, 6, 7, 8}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALLBACK_ENV, SECRET)


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    """A service of one's own."""
    async with smsc_ru_peer(delivery_s=0.0) as peer:
        yield peer
        assert peer.rules.offences == []


def reader(peer: SmscRuPeer, **changes: object) -> SmscRuProvider:
    """A provider that reads callbacks."""
    settings: dict[str, Any] = {"callback_secret_env": CALLBACK_ENV} | changes
    return provider_for(peer, **settings)


def form(*, kind: str = "md5", secret: str = SECRET, **changes: str) -> bytes:
    """A status as the service posts it."""
    fields = {"id": "77.ab", "phone": "79070000001", "status": "1", "err": "0", "ts": "1763869000"}
    fields |= {"time": "23.11.2025 06:36:40", "cnt": "1", "type": "0", "flag": "0", "cost": "1.40"}
    fields |= changes
    signed = ":".join([fields["id"], fields["phone"], fields["status"], secret]).encode()
    hashes: dict[str, Callable[[], str]] = {
        "md5": lambda: hashlib.md5(signed).hexdigest(),
        "sha1": lambda: hashlib.sha1(signed).hexdigest(),
        "crc32": lambda: f"{zlib.crc32(signed):08x}",
    }
    if kind in hashes:
        fields[kind] = hashes[kind]()
    return urlencode(fields).encode()


def post(body: bytes) -> ReceiptRequest:
    return ReceiptRequest(
        method="POST", message_id=None, query=b"charset=utf-8", headers={}, body=body
    )


def test_a_status_names_the_message_by_id_and_phone(peer: SmscRuPeer) -> None:
    body = form(status="20", err="1")
    assert reader(peer).parse_receipt(post(body)) == [
        Receipt(
            message_id=None,
            ref="77.ab:79070000001",
            code="20",
            error="1",
            occurred_at=datetime(2025, 11, 23, 3, 36, 40, tzinfo=UTC),
            raw=body.decode(),
        )
    ]


def test_the_signature_of_a_known_status(peer: SmscRuPeer) -> None:
    body = b"id=1&phone=79070000001&status=1&md5=45786d17d39334d1ebc9d847776f3f72"
    assert reader(peer).parse_receipt(post(body))[0].ref == "1:79070000001"


@pytest.mark.parametrize("kind", ["md5", "sha1", "crc32"])
def test_the_hash_is_the_one_of_the_setting(peer: SmscRuPeer, kind: str) -> None:
    provider = reader(peer, callback_hash=kind)
    assert provider.parse_receipt(post(form(kind=kind)))[0].code == "1"
    for other in {"md5", "sha1", "crc32", "none"} - {kind}:
        with pytest.raises(MalformedReceipt, match=f"right {kind}"):
            provider.parse_receipt(post(form(kind=other)))


@pytest.mark.parametrize(
    "body",
    [
        form(secret="another"),
        form(secret=""),
        form() + b"&status=20",
        form().replace(b"79070000001", b"79070000002"),
        form(kind="none") + b"&md5=",
        form(kind="none") + "&md5=ё".encode(),
        form(status="delivered"),
        form(id="<script>"),
        form(phone=""),
        b"",
        b"phone=79070000001&status=1",
        b"\x00\xff{",
    ],
)
def test_what_is_not_signed_so_is_refused(peer: SmscRuPeer, body: bytes) -> None:
    with pytest.raises(MalformedReceipt) as caught:
        reader(peer).parse_receipt(post(body))
    assert "9070000001" not in str(caught.value)


def test_without_a_secret_every_callback_is_refused(peer: SmscRuPeer) -> None:
    for provider in (
        provider_for(peer),
        reader(peer, callback_secret_env="OUTBOX_SECRET_NONE"),
    ):
        with pytest.raises(MalformedReceipt, match="callback_secret_env"):
            provider.parse_receipt(post(form(secret="")))
        with pytest.raises(MalformedInbound, match="callback_secret_env"):
            provider.parse_inbound(post(form(secret="")))


def test_a_callback_in_a_url_is_refused(peer: SmscRuPeer) -> None:
    request = ReceiptRequest(method="GET", message_id=None, query=form(), headers={}, body=b"")
    with pytest.raises(MalformedReceipt, match="is posted"):
        reader(peer).parse_receipt(request)


def test_a_confirmation_by_call_is_heard_and_forgotten(peer: SmscRuPeer) -> None:
    md5 = hashlib.md5(b"79070000001:1763869000:" + SECRET.encode()).hexdigest()
    body = f"phone=79070000001&waitcall=1&ts=1763869000&md5={md5}".encode()
    assert reader(peer).parse_receipt(post(body)) == []
    with pytest.raises(MalformedReceipt):
        reader(peer).parse_receipt(post(body.replace(b"1763869000&", b"1763869001&")))


def test_every_documented_status_has_a_meaning() -> None:
    assert set(known_codes("smsc_ru")) == {str(status) for status in STATUSES}


def test_every_documented_error_has_a_class() -> None:
    seeds = "".join(path.read_text() for path in SEED.glob("3*.sql"))
    known = set(re.findall(r"\('smsc_ru', '([^']+)', '[a-z_]+', ", seeds))
    assert {str(error) for error in ERRORS} <= known
    assert {f"send/{code}" for code in REFUSALS} <= known


@asynccontextmanager
async def listening(
    peer: SmscRuPeer, receipts: list[Receipt], heard: list[Inbound]
) -> AsyncIterator[ReceiptApp]:
    """The receipt server with the peer's account, and the peer told where it is."""

    async def record(provider: str, given: Sequence[Receipt]) -> None:
        receipts.extend(given)

    async def record_inbound(provider: str, given: Sequence[Inbound]) -> None:
        heard.extend(given)

    charset, kind = peer.callbacks.charset, peer.callbacks.kind
    app = ReceiptApp(
        providers={("smsc_ru", "smsc"): reader(peer, callback_charset=charset, callback_hash=kind)},
        record=record,
        record_inbound=record_inbound,
        token=TOKEN,
    )
    async with Listener(app.asgi, host="127.0.0.1", port=0) as listener:
        peer.callbacks.url = (
            f"http://127.0.0.1:{listener.port}/smsc_ru/smsc/{account_token(TOKEN, 'smsc')}"
        )
        yield app


async def test_late_repeated_and_forged_callbacks_come_down_to_the_true_ones(
    peer: SmscRuPeer,
) -> None:
    peer.terms.outcomes = {"2": (20, 13)}
    peer.callbacks.delay_s, peer.callbacks.repeats, peer.callbacks.forged = 0.1, 2, True
    receipts: list[Receipt] = []
    batch = [message(1), message(2)]
    async with listening(peer, receipts, []) as app, provider_for(peer) as provider:
        keys = provider.keys(batch)
        with capture_logs() as logs:
            await send_all(provider, batch)
            await eventually(lambda: len(receipts) == 4)
    assert {(r.ref, r.code, r.error) for r in receipts} == {
        (keys[0], "1", None),
        (keys[1], "20", "13"),
    }
    assert peer.callbacks.counters == {"true 200": 4, "forged 400": 2}
    assert app.counters.malformed == 2
    assert "9070000001" not in str(logs)


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
@pytest.mark.parametrize("kind", ["md5", "sha1", "crc32"])
async def test_a_subscribers_message_comes_by_the_same_url(
    peer: SmscRuPeer, charset: str, kind: str
) -> None:
    peer.callbacks.charset, peer.callbacks.kind = charset, kind
    heard: list[Inbound] = []
    receipts: list[Receipt] = []
    async with listening(peer, receipts, heard) as app:
        peer.callbacks.write(phone="79070000001", mes="Стоп: всё & вся", to="79430000000", id="9")
        await eventually(lambda: peer.callbacks.counters)
    assert heard == [
        Inbound(ref="9", sender="79070000001", sent_to="79430000000", body="Стоп: всё & вся")
    ]
    assert receipts == []
    assert peer.callbacks.counters == {"true 200": 1}
    assert app.counters.inbound == 1
