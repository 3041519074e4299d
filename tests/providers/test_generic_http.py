"""generic_http: templates, answer rules, callbacks and their signatures, pauses, mistakes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from dlr.app import ReceiptApp
from dlr.serve import Listener
from providers.base import (
    Accepted,
    BringsInbound,
    CanBeAsked,
    CanBePolled,
    Context,
    HasBalance,
    Inbound,
    MalformedInbound,
    MalformedReceipt,
    Receipt,
    Rejected,
    Retry,
    SettingsError,
    Uncertain,
)
from providers.conformance import FIRST_ID, Report, callback, message, send_all
from providers.connections import Connections
from providers.generic_http import GenericHttpProvider
from providers.generic_http_settings import presets
from tests.peers.http_services import KEY, REFUSED, SmsRu
from tests.support import factory
from tests.support.codes import known_codes
from tests.support.peers import Peer, http_peer
from tests.support.served import served

TOKEN = "a-token-for-tests-0123"
OK = {"when": "body.ok", "means": "accepted"}


def generic(secret: str | None = KEY, **settings: Any) -> GenericHttpProvider:
    async def sink(receipts: Sequence[Receipt]) -> None:
        raise AssertionError("reports come by callback")

    given = {"url": "http://127.0.0.1:9/api", "back_off_s": 0.05, **settings}
    return GenericHttpProvider("main", given, secret, Context(sink=sink))


def sending(peer: Peer, **send: Any) -> GenericHttpProvider:
    """A provider of one's own settings at this peer, which answers {"ok": true}."""
    peer.status, peer.body = 200, '{"ok": true, "ids": ["a", "b"], "parts": 2, "price": 4.98}'
    return generic(url=peer.url, send={"answers": [OK], "json": {}, **send})


def head_and_body(request: str) -> tuple[str, str]:
    head, _, body = request.partition("\r\n\r\n")
    return head, body


# --- requests -----------------------------------------------------------------------------------


async def test_fields_stand_where_the_template_wants_them() -> None:
    async with http_peer() as peer:
        provider = sending(
            peer,
            method="PUT",
            path="/v1/send/{id}",
            query={"to": "{msisdn}"},
            headers={"X-Key": "{secret}", "X-Sender": "{sender}"},
            json={
                "n": "{msisdn|number}",
                "plus": "{plus_msisdn}",
                "ref": "our-{id}",
                "b": "{body}",
            },
            ref="body.ids",
            segments="body.parts",
            cost="body.price",
        )
        async with provider:
            [result] = await send_all(provider, [message(1, sender_id=None)])
    head, body = head_and_body(peer.requests[0])
    assert head.startswith(f"PUT /v1/send/{FIRST_ID + 1}?to=79070000001 HTTP/1.1")
    assert f"X-Key: {KEY}" in head
    assert "X-Sender" not in head  # a message without a sender
    assert json.loads(body) == {
        "n": 79_070_000_001,
        "plus": "+79070000001",
        "ref": f"our-{FIRST_ID + 1}",
        "b": "Платёж зачислен",
    }
    assert result == Accepted(id=FIRST_ID + 1, refs=("a", "b"), segments=2, cost=Decimal("4.98"))


async def test_a_form_is_encoded_as_the_settings_say_and_what_does_not_fit_is_refused() -> None:
    async with http_peer() as peer:
        provider = sending(peer, json=None, form={"text": "{body}"}, charset="windows-1251")
        async with provider:
            fits, lacks = await send_all(provider, [message(1, "Привет"), message(2, "Привет 🦔")])
    [request] = peer.requests
    fields = dict(parse_qsl(head_and_body(request)[1], encoding="windows-1251"))
    assert fields == {"text": "Привет"}
    assert isinstance(fits, Accepted)
    assert isinstance(lacks, Rejected)
    assert lacks.detail == "windows-1251 lacks a character of the text"


async def test_a_batch_has_one_sender_each_number_once_and_no_more_than_allowed() -> None:
    async with http_peer() as peer:
        each = {"$each": {"to": "{msisdn}", "id": "{id}"}}
        async with sending(peer, json={"from": "{sender}", "all": each}, batch=3) as provider:
            batch = [
                *(message(n) for n in range(11, 16)),
                message(16, msisdn=79_070_000_011),
                message(17, sender_id="SHOP"),
            ]
            results = await send_all(provider, batch)
    bodies = [json.loads(head_and_body(request)[1]) for request in peer.requests]
    assert {type(result) for result in results} == {Accepted}
    told = [[int(one["id"]) - FIRST_ID for one in body["all"]] for body in bodies]
    assert sorted(told) == [[11, 12, 13], [14, 15, 16], [17]]
    assert [body["from"] for body in bodies if len(body["all"]) == 1] == ["SHOP"]


async def test_the_validity_goes_along_and_is_capped() -> None:
    template = {"s": "{validity_s|number}", "m": "{validity_min|number}", "at": "{expires_at}"}
    expires_at = datetime.now(UTC) + timedelta(hours=30)
    async with http_peer() as peer:
        async with sending(peer, json=template) as provider:
            await send_all(provider, [message(1, expires_at=expires_at)])
        async with sending(peer, json=template, max_validity_s=3600) as provider:
            await send_all(provider, [message(1, expires_at=expires_at)])
    whole, capped = (json.loads(head_and_body(request)[1]) for request in peer.requests)
    assert whole["m"] == 1800
    assert whole["at"] == expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert capped["m"] == 60
    assert 3590 <= capped["s"] <= 3600


async def test_a_message_whose_validity_has_ended_is_not_sent() -> None:
    async with http_peer() as peer, sending(peer) as provider:
        [result] = await send_all(provider, [message(1, expires_at=datetime.now(UTC))])
    assert isinstance(result, Retry)
    assert result.throttled
    assert peer.requests == []


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "kind"),
    [("accepted", Accepted), ("rejected", Rejected), ("retry", Retry), ("uncertain", Uncertain)],
)
async def test_the_first_rule_that_is_true_decides(means: str, kind: type) -> None:
    rules = [
        {"when": "body.code == `9`", "means": "rejected"},
        {"when": "http == `200` && contains([`7`, `8`], body.code)", "means": means},
        {"when": "body", "means": "setup"},
    ]
    async with http_peer() as peer:
        provider = sending(peer, answers=rules, detail="body.why")
        peer.body = '{"code": 7, "why": "said so"}'
        async with provider:
            [result] = await send_all(provider, [message(1)])
    assert type(result) is kind
    if not isinstance(result, Accepted):
        assert result.detail == "HTTP 200: said so"
    if isinstance(result, Retry):
        assert not result.throttled  # it counts as an attempt


async def test_a_refusal_is_named_as_receipt_errors_are() -> None:
    service = SmsRu()
    async with (
        served(service) as port,
        generic(preset="sms_ru", url=f"http://127.0.0.1:{port}") as provider,
    ):
        [result] = await send_all(provider, [message(1, msisdn=REFUSED)])
    assert result == Rejected(id=FIRST_ID + 1, detail="sms_ru:send/207")


@pytest.mark.parametrize(("report", "error"), [("delivered", None), ("undelivered", "sms_ru:106")])
def test_only_a_failure_has_an_error(report: Report, error: str | None) -> None:
    service = SmsRu()
    request = service.calls_back(report, service.take(msisdn=79_070_000_001, body="x"))
    assert request is not None
    [receipt] = generic(preset="sms_ru").parse_receipt(request)
    assert receipt.error == error


async def test_no_rule_means_doubt_and_the_rest_of_the_batch_is_kept_back() -> None:
    async with http_peer() as peer:
        provider = sending(peer)
        provider = generic(url=peer.url, parallel=1, send={"answers": [OK], "json": {}})
        peer.status, peer.body = 200, '{"ok": false}'
        async with provider:
            results = await send_all(provider, [message(n) for n in range(11, 15)])
            assert await provider.capacity() == 0
    assert [type(result) for result in results] == [Uncertain, Retry, Retry, Retry]
    assert len(peer.requests) == 1


async def test_after_trouble_one_message_goes_ahead_and_then_all() -> None:
    async with http_peer() as peer:
        rules = [OK, {"when": "http == `503`", "means": "throttled", "after_s": 0.01}]
        provider = sending(peer, answers=rules)
        peer.status, peer.body = 503, "busy"
        async with provider:
            with capture_logs() as logs:
                [result] = await send_all(provider, [message(1)])
                assert isinstance(result, Retry)
                assert (result.throttled, result.after) == (True, timedelta(seconds=0.01))
                room: int | None = 0
                while room == 0:
                    room = await provider.capacity()
                assert room == 1
                peer.status, peer.body = 200, '{"ok": true}'
                assert isinstance((await send_all(provider, [message(2)]))[0], Accepted)
                assert await provider.capacity() is None
    assert [line["event"] for line in logs] == ["provider_trouble", "provider_well_again"]
    assert "Платёж" not in str(logs)
    assert "7907" not in str(logs)


async def test_no_money_pauses_for_as_long_as_the_rule_says() -> None:
    service = SmsRu()
    async with served(service) as port:
        provider = generic(
            preset="sms_ru",
            url=f"http://127.0.0.1:{port}",
            send={"answers": [{"when": "body", "means": "setup", "after_s": 300}]},
        )
        async with provider:
            [result] = await send_all(provider, [message(1)])
            assert await provider.capacity() == 0
    assert isinstance(result, Retry)
    assert result.after == timedelta(minutes=5)


async def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    async def fetch(self: Connections, request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "7"}, content=b"slow down")

    monkeypatch.setattr(Connections, "fetch", fetch)
    rules = [{"when": "http == `429`", "means": "throttled"}]
    async with generic(send={"answers": rules, "json": {}}) as provider:
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Retry)
    assert result.after == timedelta(seconds=7)
    assert result.detail == "HTTP 429: slow down"


# --- callbacks ----------------------------------------------------------------------------------

SIMPLE: dict[str, Any] = {"send": {"answers": [OK], "json": {}}, "dialect": "acme"}


def test_a_form_with_a_secret_field_is_read_and_without_it_refused() -> None:
    provider = generic(
        **SIMPLE,
        receipts={
            "format": "form",
            "id": "our",
            "code": "st",
            "error": "why",
            "at": "time",
            "signature": {"kind": "secret", "field": "key"},
        },
    )
    body = f"our=77&st=ok&why=&time=1763869000&key={KEY}".encode()
    [receipt] = provider.parse_receipt(callback(method="POST", body=body))
    assert (receipt.message_id, receipt.ref, receipt.code) == (77, None, "acme:ok")
    assert receipt.occurred_at == datetime.fromtimestamp(1763869000, UTC)
    for wrong in (b"our=77&st=ok", b"our=77&st=ok&key=", b"our=77&st=ok&key=k3Y"):
        with pytest.raises(MalformedReceipt):
            provider.parse_receipt(callback(method="POST", body=wrong))


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_body_signed_in_a_header_is_read_and_a_changed_one_refused(encoding: str) -> None:
    provider = generic(
        **SIMPLE,
        receipts={
            "format": "json",
            "items": "events",
            "only": "type == 'status'",
            "ref": "uid",
            "code": "state",
            "signature": {
                "kind": "hmac",
                "header": "X-Signature",
                "algorithm": "sha256",
                "encoding": encoding,
                "prefix": "v1=",
            },
        },
    )
    events = [{"type": "status", "uid": "a-1", "state": 5}, {"type": "balance", "left": 3}]
    body = json.dumps({"events": events}).encode()
    digest = hmac.digest(KEY.encode(), body, hashlib.sha256)
    signature = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    [receipt] = provider.parse_receipt(
        callback(method="POST", body=body, x_signature=f"v1={signature}")
    )
    assert (receipt.message_id, receipt.ref, receipt.code) == (None, "a-1", "acme:5")
    changed = body.replace(b"a-1", b"a-2")
    for forged in (
        callback(method="POST", body=changed, x_signature=f"v1={signature}"),
        callback(method="POST", body=body, x_signature=signature),
        callback(method="POST", body=body),
        callback(body=body, x_signature=f"v1={signature}"),  # GET
    ):
        with pytest.raises(MalformedReceipt):
            provider.parse_receipt(forged)


def test_nobody_is_believed_while_the_secret_is_not_set() -> None:
    receipts = {
        "format": "form",
        "id": "i",
        "code": "c",
        "signature": {"kind": "secret", "field": "k"},
    }
    provider = generic(None, **SIMPLE, receipts=receipts)
    with pytest.raises(MalformedReceipt, match="secret is not set"):
        provider.parse_receipt(callback(method="POST", body=b"i=1&c=1&k="))


def test_messages_from_subscribers_are_read_where_the_settings_say() -> None:
    inbound = {
        "format": "query",
        "methods": ["GET"],
        "ref": "id",
        "sender": "from",
        "sent_to": "to",
        "body": "text",
    }
    provider = generic(**SIMPLE, inbound=inbound)
    query = b"id=9&from=79070000001&to=1234&text=%D0%A1%D0%A2%D0%9E%D0%9F"
    assert provider.parse_inbound(callback(query)) == [
        Inbound(ref="9", sender="79070000001", sent_to="1234", body="СТОП")
    ]
    with pytest.raises(MalformedInbound):
        provider.parse_inbound(callback(b"id=9&text=x"))


async def test_sms_ru_hears_100_after_the_commit_and_a_wrong_token_hears_nothing() -> None:
    heard: list[Receipt] = []

    async def record(provider: str, receipts: Sequence[Receipt]) -> None:
        heard.extend(receipts)

    async def record_inbound(provider: str, messages: Sequence[Inbound]) -> None:
        raise AssertionError("nobody wrote")

    service = SmsRu()
    book = service.take(msisdn=79_070_000_001, body="x")
    request = service.calls_back("delivered", book)
    assert request is not None
    app = ReceiptApp(
        providers={("generic_http", "main"): generic(preset="sms_ru")},
        record=record,
        record_inbound=record_inbound,
        token=TOKEN,
    )
    async with Listener(app.asgi, host="127.0.0.1", port=0) as listener:
        from httpx import AsyncClient

        async with AsyncClient(base_url=f"http://127.0.0.1:{listener.port}") as client:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            url = f"/generic_http/main/{TOKEN}"
            stored = await client.post(url, content=request.body, headers=form)
            forged = await client.post(
                url, content=service.forgeries(request)[0].body, headers=form
            )
            lost = await client.post(url[:-1], content=request.body, headers=form)
    assert (stored.status_code, stored.text) == (200, "100")
    assert (forged.status_code, lost.status_code) == (400, 404)
    assert [(one.ref, one.code) for one in heard] == [(book.ref, "sms_ru:103")]


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, 'setting "send": Field required'),
        ({"preset": "pigeon"}, "there is no 'pigeon' (known: devino, exolve"),
        ({"preset": "sms_aero"}, 'setting "username"'),
        ({"preset": "sms_ru", "send": {"item": "body["}}, 'setting "send.item"'),
        ({"preset": "sms_ru", "send": {"json": {}}}, "a form or json, not both"),
        ({"preset": "sms_ru", "send": {"charset": "utf-99"}}, "utf-99 is no character set"),
        ({"preset": "exolve", "send": {"json": {"a": "{boddy}"}}}, "{boddy} is no field here"),
        ({"preset": "smspilot", "send": {"json": {"a": "{body}"}}}, "{body} is no field here"),
        ({"preset": "exolve", "send": {"answers": []}}, 'setting "send.answers"'),
        ({"preset": "exolve", "receipts": {"code": "a."}}, "no JMESPath expression"),
        ({"preset": "exolve", "receipts": {"signature": {"kind": "rot13"}}}, "signature.kind"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        generic(**settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("secret", [None, "", "ключ"])
async def test_a_missing_or_unusable_secret_is_told_when_it_is_opened(secret: str | None) -> None:
    with pytest.raises(SettingsError) as caught:
        await generic(secret, preset="exolve").__aenter__()
    assert "\n" not in str(caught.value)


def test_ones_own_settings_refine_a_section_of_the_preset() -> None:
    provider = generic(preset="sms_ru", send={"batch": 7}, parallel=2)
    assert provider.settings.send.batch == 7
    assert provider.settings.send.path == "/sms/send"
    assert provider.settings.dialect == "sms_ru"
    assert provider.settings.parallel == 2


def test_only_what_the_settings_describe_can_be_asked() -> None:
    nothing = generic(**SIMPLE)
    assert not isinstance(nothing, CanBeAsked | CanBePolled | HasBalance)
    assert isinstance(nothing, BringsInbound)
    mts = generic(preset="mts_communicator", username="me")
    assert isinstance(mts, CanBeAsked)
    assert isinstance(mts, CanBePolled)
    assert isinstance(generic(preset="sms_ru"), HasBalance)


async def test_every_error_of_the_seed_can_come_from_a_preset(tx: AsyncConnection) -> None:
    errors = await factory.column(
        tx, "select error from sms.receipt_error where adapter = 'generic_http'"
    )
    assert errors
    for error in errors:
        dialect, _, code = error.partition(":")
        section = generic(preset=dialect).settings
        asked = section.send.error if code.startswith("send/") else section.receipts
        assert asked is not None, error


def test_every_dialect_with_codes_is_a_preset() -> None:
    dialects = {code.partition(":")[0] for code in known_codes("generic_http") if ":" in code}
    assert dialects <= set(presets())
    # The others' reports are not documented: their presets say so.
    for preset in set(presets()) - dialects:
        assert "not verified" in generic(preset=preset, username="me").settings.note
