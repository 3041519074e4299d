"""Kannel's callbacks, read."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import MalformedReceipt, ReceiptRequest
from providers.kannel_receipts import parse_callback

REPORT = (
    "id:101 sub:001 dlvrd:000 submit date:2611230330 done date:2611230331 "
    "stat:{stat} err:{err} text:{text}"
)


def callback(query: str | bytes, message_id: int | None = 7) -> ReceiptRequest:
    raw = query if isinstance(query, bytes) else query.encode()
    return ReceiptRequest(method="GET", message_id=message_id, query=raw, headers={}, body=b"")


@pytest.mark.parametrize(
    ("event", "reply", "code", "error"),
    [
        ("8", "ACK/", "8", None),
        ("4", "anything", "4", None),
        ("1", REPORT.format(stat="DELIVRD", err="000", text=""), "1", None),
        ("2", REPORT.format(stat="UNDELIV", err="001", text=""), "2", "UNDELIV/001"),
        ("2", REPORT.format(stat="EXPIRED", err="00A", text=""), "34", "EXPIRED/00A"),
        ("2", REPORT.format(stat="rejectd", err="8", text=""), "16", "REJECTD/8"),
        ("2", REPORT.format(stat="UNKNOWN", err="0", text=""), "66", "UNKNOWN/0"),
        ("2", REPORT.format(stat="DELETED", err="0", text=""), "2", "DELETED/0"),
        ("2", REPORT.format(stat="UNDELIV", err="", text=""), "2", "UNDELIV"),
        ("2", "id:1 err:5 text:stat:EXPIRED", "2", "id:1 err:5"),
        ("2", REPORT.format(stat="UNDELIV", err="1", text="stat:EXPIRED"), "2", "UNDELIV/1"),
        ("2", "", "2", None),
        ("34", REPORT.format(stat="EXPIRED", err="1", text=""), "34", "EXPIRED/1"),
        (
            "16",
            "NACK/0x0000000b/Invalid Destination Address",
            "16",
            "NACK/0x0000000b/Invalid Destination Address",
        ),
        ("16", "NACK/no SMSC", "16", "NACK/no SMSC"),
    ],
)
def test_code_and_error(event: str, reply: str, code: str, error: str | None) -> None:
    query = f"type={event}&smsc=a&fid=101&ts=1795404929&reply={quote_plus(reply)}"
    receipt = parse_callback(callback(query))
    assert (receipt.message_id, receipt.ref) == (7, None)
    assert (receipt.code, receipt.error) == (code, error)
    assert receipt.occurred_at == datetime.fromtimestamp(1795404929, UTC)
    assert receipt.raw == query


@pytest.mark.parametrize("ts", ["", "0", "-1", "now", "9" * 12, "%T"])
def test_a_time_that_is_none_is_left_out(ts: str) -> None:
    assert parse_callback(callback(f"type=1&ts={ts}&reply=")).occurred_at is None


@pytest.mark.parametrize("query", ["", "type=", "type=%25d&reply=x", "type=1234", "type=x", "1"])
def test_a_query_without_an_event_is_malformed(query: str) -> None:
    with pytest.raises(MalformedReceipt, match="type="):
        parse_callback(callback(query))


def test_a_callback_without_a_message_id_is_malformed() -> None:
    with pytest.raises(MalformedReceipt, match="message id"):
        parse_callback(callback("type=1", message_id=None))


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_storable_receipt_or_malformed(junk: bytes) -> None:
    for query in (junk, b"type=2&reply=" + junk, b"type=1&ts=" + junk):
        try:
            receipt = parse_callback(callback(query))
        except MalformedReceipt:
            continue
        for text in (receipt.code, receipt.error or "", receipt.raw):
            assert "\0" not in text  # PostgreSQL stores no NUL
            text.encode()  # nor a lone surrogate
