"""Whatever comes in at the callbacks' door, an adapter answers with receipts or a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import (
    BringsInbound,
    Inbound,
    MalformedInbound,
    MalformedReceipt,
    Provider,
    Receipt,
    ReceiptRequest,
)
from providers.conformance import Paper
from providers.generic_http_settings import presets
from tests.providers.test_conformance import TestFake as Fake
from tests.providers.test_conformance import TestKannel as Kannel

PLAIN = {"format": "json", "items": "results", "id": "id", "ref": "ref", "code": "code"}
PLAIN |= {"at": "at", "error": "why"}
PAPERS = {
    "fake": Fake.paper.make(),
    "kannel": Kannel.paper.make(),
    "any json": Paper(
        adapter="generic_http",
        settings={"preset": "exolve", "receipts": PLAIN},
        wrong=("parallel", 0),
        codes={},
    ).make(),
    **{
        preset: Paper(
            adapter="generic_http",
            settings={"preset": preset, "username": "me"},
            wrong=("parallel", 0),
            codes={},
        ).make()
        for preset in presets()
    },
}

ANY_TEXT = st.text(max_size=20) | st.sampled_from(["\ud800", "a\0b", "\udfff 1"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
WORDS = st.sampled_from(["results", "id", "ref", "code", "at", "status", "data[0]", "hash", "type"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)
LIKE_REPORTS = st.fixed_dictionaries(
    {"code": st.just("1"), "status": st.just(1), "messageId": SCALARS, "ref": st.just("r")},
    optional={name: SCALARS for name in ("id", "at", "why", "extendStatus", "dateAnswer")},
)
BODIES = (
    LIKE_REPORTS.map(lambda report: json.dumps({"results": [report]}).encode())
    | LIKE_REPORTS.map(lambda report: json.dumps(report).encode())
    | st.binary(max_size=200)
    | TREES.map(lambda tree: json.dumps(tree).encode())
    | TREES.map(lambda tree: json.dumps({"results": [tree]}).encode())
    | st.just(b"[" * 100_000)
)
REQUESTS = st.builds(
    ReceiptRequest,
    method=st.sampled_from(["GET", "POST"]),
    message_id=st.none() | st.integers(0, 2**63 - 1),
    query=st.binary(max_size=80) | st.sampled_from([b"type=1", b"status=2", b"code=x&type=2"]),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "x-kannel-from", "x-kannel-to"]), st.text(max_size=30)
    ),
    body=BODIES,
)


@pytest.mark.parametrize("name", PAPERS)
@settings(max_examples=60, deadline=None)
@given(request_=REQUESTS)
def test_a_callback_is_receipts_or_malformed(name: str, request_: ReceiptRequest) -> None:
    provider: Provider = PAPERS[name]
    for receipt in _or_none(provider.parse_receipt, request_, MalformedReceipt):
        assert isinstance(receipt, Receipt)
        assert receipt.message_id is not None or receipt.ref
        assert 0 < len(receipt.code) <= 100
        _assert_storable(receipt.code, receipt.error, receipt.ref, receipt.raw)
    assert isinstance(provider, BringsInbound) or name == "fake"
    if isinstance(provider, BringsInbound):
        for inbound in _or_none(provider.parse_inbound, request_, MalformedInbound):
            assert isinstance(inbound, Inbound)
            _assert_storable(inbound.sender, inbound.body, inbound.ref, inbound.sent_to)


def _or_none(parse: Any, request: ReceiptRequest, malformed: type[Exception]) -> list[Any]:
    try:
        return list(parse(request))
    except malformed:
        return []


def _assert_storable(*texts: str | None) -> None:
    """PostgreSQL takes any text without a NUL that is valid UTF-8."""
    for text in texts:
        if text is not None:
            assert "\0" not in text
            text.encode("utf-8")
