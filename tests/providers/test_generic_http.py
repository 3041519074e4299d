"""generic_http: what templates ask and what answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import httpx
import pytest
from structlog.testing import capture_logs

from providers.base import (
    Accepted,
    Rejected,
    Retry,
    Uncertain,
)
from providers.conformance import FIRST_ID, Report, message, send_all
from providers.connections import Connections
from tests.peers.http_service import KEY, REFUSED
from tests.peers.http_services import SmsRu
from tests.support.generic_http import OK, generic, head_and_body, sending
from tests.support.peers import http_peer
from tests.support.served import served

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
    async def fetch(self: Connections, request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "7"}, content=b"slow down")

    monkeypatch.setattr(Connections, "fetch", fetch)
    rules = [{"when": "http == `429`", "means": "throttled"}]
    async with generic(send={"answers": rules, "json": {}}) as provider:
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Retry)
    assert result.after == timedelta(seconds=7)
    assert result.detail == "HTTP 429: slow down"
