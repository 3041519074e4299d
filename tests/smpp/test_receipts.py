"""Delivery receipts as SMSCs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Receipt
from providers.smpp.pdu import Delivered
from providers.smpp.receipts import NO_STATE, STATES, Receipts, is_receipt

SPECIMEN = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2511231358 done date:2511231359 stat:DELIVRD "
    b"err:000 text:Hello"
)
SEED = Path(__file__).parents[2] / "sql" / "seed" / "34_receipt_codes_smpp.sql"


def report(text: bytes = SPECIMEN, **fields: Any) -> Delivered:
    values: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr": b"79070000001",
        "dest_addr_ton": 5,
        "destination_addr": b"BANK",
        "esm_class": 4,
        "data_coding": 0,
        "short_message": text,
        "tlvs": {},
    }
    return Delivered(**values | fields)


def read(
    text: bytes = SPECIMEN, *, zone: str | None = None, gsm: bool = False, **fields: Any
) -> Receipt:
    receipts = Receipts(lambda raw: raw.upper(), err_is_gsm=gsm, time_zone=zone)
    return receipts.read(report(text, **fields))


def test_the_form_of_the_specification() -> None:
    receipt = read(zone="Europe/Moscow")
    assert receipt == Receipt(
        message_id=None,
        ref="0123456789",
        code="DELIVRD",
        error=None,
        occurred_at=datetime(2025, 11, 23, 10, 59, tzinfo=UTC),
        raw=SPECIMEN.decode(),
    )


@pytest.mark.parametrize(
    ("text", "ref", "code", "error"),
    [
        (b"id:abc stat:UNDELIV err:001 text:", "ABC", "UNDELIV", "err 001"),
        (b"ID: 7f  Stat:delivrd  ERR: Text: stat:EXPIRED id:9 err:5", "7F", "DELIVRD", None),
        (b"stat:EXPIRED id:1", "1", "EXPIRED", None),
        (b"id:1, stat:REJECTD, err:E3;", "1", "REJECTD", "err E3"),
        (b"id:1 sub:001 submit date:1 done date:2 stat:UNKNOWN err:999", "1", "UNKNOWN", "err 999"),
        (b"id:1 submit date:2511231358 done date: stat:UNDELIV err: text:", "1", "UNDELIV", None),
        (b"id:1 sub: dlvrd: submit date: done date: stat:REJECTD err:5", "1", "REJECTD", "err 5"),
        (b"id:1 err: stat:EXPIRED", "1", "EXPIRED", None),
        (b"id: stat:DELIVRD err:000", None, "DELIVRD", None),
        (b"id:1", "1", NO_STATE, None),
        (b"", None, NO_STATE, None),
        (b"what is this?", None, NO_STATE, None),
        (b"text:id:1 stat:DELIVRD", None, NO_STATE, None),
        (b"id:a_b-1@c stat:DELIVRD text:\xff\x00\xfe", "A_B-1@C", "DELIVRD", None),
    ],
)  # fmt: skip
def test_forms_seen_in_the_wild(text: bytes, ref: str | None, code: str, error: str | None) -> None:
    receipt = read(text)
    assert (receipt.ref, receipt.code, receipt.error) == (ref, code, error)
    assert "\0" not in receipt.raw


def test_parameters_win_over_the_text() -> None:
    tlvs = {0x001E: b"77\0", 0x0427: b"\x05", 0x0423: b"\x03\x00\x1b", 0x1400: b"250"}
    receipt = read(tlvs=tlvs)
    assert (receipt.ref, receipt.code, receipt.error) == ("77", "UNDELIV", "gsm 27")
    assert receipt.raw == f"{SPECIMEN.decode()} 001e=373700 0427=05 0423=03001b 1400=323530"


def test_parameters_without_a_text() -> None:
    receipt = read(b"", tlvs={0x001E: b"77", 0x0427: b"\x02"})
    assert (receipt.ref, receipt.code, receipt.error) == ("77", "DELIVRD", None)


@pytest.mark.parametrize(
    ("network", "error"),
    [
        (b"\x03\x00\x01", "gsm 1"),
        (b"\x03\x00\x00", None),
        (b"\x01\x01\x00", "network 1/256"),
        (b"\x03", None),
    ],
)
def test_errors_of_the_network(network: bytes, error: str | None) -> None:
    assert read(tlvs={0x0423: network}).error == error


def test_err_is_an_error_of_the_network_only_where_the_settings_say_so() -> None:
    text = b"id:1 stat:UNDELIV err:027"
    assert read(text).error == "err 027"
    assert read(text, gsm=True).error == "gsm 27"
    assert read(b"id:1 stat:UNDELIV err:E1", gsm=True).error == "err E1"


@pytest.mark.parametrize("state", range(12))
def test_every_message_state_is_a_word(state: int) -> None:
    code = read(tlvs={0x0427: bytes([state])}).code
    assert code == (STATES[state] if state < len(STATES) else f"STATE{state}")


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        (b"2511231359", datetime(2025, 11, 23, 10, 59, tzinfo=UTC)),
        (b"251123135958", datetime(2025, 11, 23, 10, 59, 58, tzinfo=UTC)),
        (b"20251123135958", datetime(2025, 11, 23, 10, 59, 58, tzinfo=UTC)),
    ],
)
def test_the_date_of_a_known_zone(date: bytes, moment: datetime) -> None:
    assert read(b"id:1 done date:" + date, zone="Europe/Moscow").occurred_at == moment


@pytest.mark.parametrize("date", [b"", b"??", b"2513321359", b"123"])
def test_a_date_that_is_none_is_now(date: bytes) -> None:
    moment = read(b"id:1 done date:" + date, zone="Europe/Moscow").occurred_at
    assert moment is not None
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


def test_a_text_in_utf_16_and_one_in_the_payload() -> None:
    assert read("id:5 stat:DELIVRD".encode("utf-16-be"), data_coding=8).ref == "5"
    assert read(b"", tlvs={0x0424: b"id:6 stat:DELIVRD"}).ref == "6"


@pytest.mark.parametrize(
    ("esm_class", "tlvs", "is_one"),
    [
        (0x04, {}, True),
        (0x44, {}, True),
        (0x20, {}, True),
        (0x00, {}, False),
        (0x00, {0x001E: b"1", 0x0427: b"\x02"}, True),
        (0x00, {0x001E: b"1"}, False),
        (0x08, {}, False),
        (0x10, {}, False),
    ],
)
def test_what_is_a_receipt(esm_class: int, tlvs: dict[int, bytes], is_one: bool) -> None:
    """A subscriber may write what looks like one; the parameters are out of a phone's reach."""
    assert is_receipt(report(esm_class=esm_class, tlvs=tlvs)) is is_one


@given(st.binary(max_size=254), st.sampled_from([0, 1, 3, 8]))
def test_whatever_comes_is_kept(text: bytes, data_coding: int) -> None:
    receipt = read(text, data_coding=data_coding)
    assert receipt.code
    assert "\0" not in receipt.raw + receipt.code + (receipt.error or "") + (receipt.ref or "")


def test_every_state_of_the_specification_is_mapped() -> None:
    known = set(re.findall(r"\('smpp', '([A-Z_]+)', (?:null|'[a-z]+'),", SEED.read_text()))
    assert {*STATES, NO_STATE} <= known
