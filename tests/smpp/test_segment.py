"""Cutting long texts: joined again they are the text, no part is too long, nothing is torn."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.text import GSM_BASIC, GSM_EXTENSION, encode, encoding_of, split
from providers.smpp.inbound import Part as InboundPart
from providers.smpp.inbound import decode, join, read_part
from providers.smpp.pdu import Delivered, read_tlvs
from providers.smpp.segment import Part, References, Segmenter, Unsendable, cut, octets
from providers.smpp.settings import LongTexts

PHONE = 79_070_000_001
gsm_text = st.text(
    st.sampled_from(GSM_BASIC.replace("\x1b", "") + "".join(GSM_EXTENSION)), max_size=700
)
any_text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1b"), max_size=400
)
cyrillic_with_emoji = st.text(st.sampled_from("яЖ😀👍🏽é "), max_size=500)
texts = st.one_of(gsm_text, any_text, cyrillic_with_emoji)
HEADER_OCTETS = {"udh8": 6, "udh16": 7}
SPECIMENS = [
    ("a" * 160, [160]),
    ("a" * 161, [153, 8]),
    ("€" * 80, [160]),
    ("€" * 81, [152, 10]),
    ("я" * 70, [140]),
    ("я" * 71, [134, 8]),
    ("😀" * 35, [140]),
    ("😀" * 36, [132, 12]),
    ("a" * 152 + "€" + "a" * 7, [152, 9]),
]


def parts_of(text: str, style: LongTexts, reference: int = 0x1234) -> Sequence[Part]:
    encoding = encoding_of(text)
    return Segmenter(style, lambda _: reference).parts(octets(text, encoding), encoding, PHONE)


def text_octets(part: Part, style: LongTexts) -> bytes:
    header = HEADER_OCTETS.get(style, 0) if part.esm_class else 0
    return part.short_message[header:]


@given(texts, st.sampled_from(["udh8", "udh16", "sar"]))
def test_the_parts_joined_are_the_text(text: str, style: LongTexts) -> None:
    parts = parts_of(text, style)
    joined = b"".join(text_octets(part, style) for part in parts)
    assert joined == octets(text, encoding_of(text))
    assert decode(joined, 0 if encoding_of(text) == "gsm7" else 8) == text


@given(texts, st.sampled_from(["udh8", "udh16", "sar"]))
def test_no_part_is_too_long_and_none_is_empty(text: str, style: LongTexts) -> None:
    parts = parts_of(text, style)
    gsm = encoding_of(text) == "gsm7"
    for part in parts:
        size = len(part.short_message)
        # In the air a header of 6 octets takes 7 septets, one of 7 octets takes 8.
        if gsm and part.esm_class:
            header = HEADER_OCTETS[style]
            assert -(-header * 8 // 7) + size - header <= 160
        else:
            assert size <= (160 if gsm else 140)
        assert len(parts) == 1 or text_octets(part, style)


@given(texts, st.sampled_from(["udh8", "udh16", "sar"]))
def test_nothing_that_belongs_together_is_cut(text: str, style: LongTexts) -> None:
    gsm = encoding_of(text) == "gsm7"
    for part in parts_of(text, style):
        piece = text_octets(part, style)
        if gsm:
            assert not piece.endswith(b"\x1b")
        else:
            piece.decode("utf-16-be")  # half a pair would raise


@given(texts)
def test_with_the_short_header_it_is_cut_where_segments_are_counted(text: str) -> None:
    encoding = encoding_of(text)
    expected = [octets(part, encoding) for part in split(text)] or [b""]
    assert [text_octets(part, "udh8") for part in parts_of(text, "udh8")] == expected
    assert len(expected) == max(1, encode(text).segments)


@pytest.mark.parametrize(("text", "sizes"), SPECIMENS)
def test_worked_specimens(text: str, sizes: list[int]) -> None:
    assert [len(text_octets(part, "udh8")) for part in parts_of(text, "udh8")] == sizes


@given(st.binary(min_size=1, max_size=600), st.integers(2, 160))
def test_a_cut_never_loses_an_octet(text: bytes, size: int) -> None:
    pieces = cut(text, "gsm7", size)
    assert b"".join(pieces) == text
    assert all(0 < len(piece) <= size for piece in pieces)


@given(texts, st.sampled_from(["udh8", "udh16"]), st.integers(0, 0xFFFF))
def test_headers_are_read_as_they_were_meant(text: str, style: LongTexts, reference: int) -> None:
    read = [read_part(as_received(part, text)) for part in parts_of(text, style, reference)]
    found: list[InboundPart] = [part for part in read if part is not None]
    assert join(found[::-1]).body == text
    if len(found) > 1:
        mask = 0xFF if style == "udh8" else 0xFFFF
        assert {(part.reference, part.total) for part in found} == {(reference & mask, len(found))}


def test_sar_parameters_number_the_parts() -> None:
    parts = parts_of("я" * 150, "sar", 0xABCD)
    assert [part.esm_class for part in parts] == [0, 0, 0]
    assert [read_tlvs(part.tlvs, 0, len(part.tlvs)) for part in parts] == [
        {0x020C: b"\xab\xcd", 0x020E: b"\x03", 0x020F: bytes([number])} for number in (1, 2, 3)
    ]


def test_a_payload_carries_the_text_whole() -> None:
    [part] = parts_of("я" * 150, "payload")
    assert (part.esm_class, part.short_message) == (0, b"")
    assert read_tlvs(part.tlvs, 0, len(part.tlvs)) == {0x0424: ("я" * 150).encode("utf-16-be")}
    [short] = parts_of("я" * 70, "payload")
    assert short.tlvs == b""


def test_the_at_sign_and_the_others_that_ascii_has_elsewhere() -> None:
    assert octets("@$_§", "gsm7") == b"\x00\x02\x11\x5f"
    assert octets("~{}[]|\\^€\f", "gsm7") == bytes.fromhex(
        "1b3d1b281b291b3c1b3e1b401b2f1b141b651b0a"
    )


def test_255_parts_go_and_256_do_not() -> None:
    assert len(parts_of("я" * 67 * 255, "udh8")) == 255
    with pytest.raises(Unsendable, match="256 parts"):
        parts_of("я" * (67 * 255 + 1), "udh8")
    with pytest.raises(Unsendable, match="message_payload"):
        parts_of("я" * 40_000, "payload")


def test_each_number_has_a_counter_of_its_own_that_begins_anywhere() -> None:
    references = References()
    first = references(PHONE)
    assert references(PHONE + 1) is not None
    assert [references(PHONE) for _ in range(3)] == [(first + n) & 0xFFFF for n in (1, 2, 3)]
    assert len({References()(PHONE) for _ in range(50)}) > 1


def test_counters_do_not_fill_the_memory() -> None:
    references = References(remembered=10)
    for number in range(100):
        references(number)
    assert len(references._last) == 10


def as_received(part: Part, text: str) -> Delivered:
    return Delivered(
        source_addr_ton=1,
        source_addr=b"79070000001",
        dest_addr_ton=1,
        destination_addr=b"1",
        esm_class=part.esm_class,
        data_coding=0 if encoding_of(text) == "gsm7" else 8,
        short_message=part.short_message,
        tlvs={},
    )
