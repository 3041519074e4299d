"""generic_http: callbacks as data, and who may make them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
import pytest

from dlr.app import ReceiptApp
from outbox.tokens import account_token
from providers.base import Inbound, MalformedInbound, MalformedReceipt, Receipt
from providers.conformance import callback
from tests.peers.http_service import KEY
from tests.peers.http_services import SmsRu
from tests.support.generic_http import SIMPLE, generic

TOKEN = "a-token-for-tests-0123"


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
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"/generic_http/main/{account_token(TOKEN, 'main')}"
    forgery = service.forgeries(request)[0]
    transport = httpx.ASGITransport(app=app.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://dlr", headers=form) as dlr:
        stored = await dlr.post(url, content=request.body)
        forged = await dlr.post(url, content=forgery.body)
        lost = await dlr.post(url[:-1], content=request.body)
    assert (stored.status_code, stored.text) == (200, "100")
    assert (forged.status_code, lost.status_code) == (400, 404)
    assert [(one.ref, one.code) for one in heard] == [(book.ref, "sms_ru:103")]
