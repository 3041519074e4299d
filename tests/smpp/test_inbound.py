"""A deliver_sm as smpplib reads it off the wire, turned into a subscriber's message."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from smpplib import smpp
from smpplib.client import Client

from outbox.text import GSM_BASIC, GSM_EXTENSION, split
from providers.base import Inbound, MalformedInbound
from providers.smpp.inbound import DeliverSm, decode, is_message, join, read_part
from providers.smpp.pdu import Delivered, read_deliver_sm, tlv

LONG = "Прошу перезвонить. 😀 " * 20 + "Конец."


def pdu(**fields: Any) -> DeliverSm:
    """A deliver_sm that went through its bytes."""
    client = Client("127.0.0.1", 1, allow_unknown_opt_params=True)
    given = {
        "source_addr_ton": 1,
        "source_addr": "79071234567",
        "dest_addr_ton": 1,
        "destination_addr": "79430000000",
        "esm_class": 0,
        "data_coding": 0,
        "short_message": b"STOP",
        **fields,
    }
    client.sequence_generator.next_sequence()
    wire = smpp.make_pdu("deliver_sm", client=client, **given).generate()
    parsed: DeliverSm = smpp.parse_pdu(wire, client=client, allow_unknown_opt_params=True)
    return parsed


def message(**fields: Any) -> Inbound:
    """The message that one PDU is."""
    part = read_part(pdu(**fields))
    assert part is not None
    return join([part])


def concatenated(text: str, *, wide: bool = False) -> list[DeliverSm]:
    """A UCS-2 text in parts of 67 units, whatever character is cut."""
    octets = text.encode("utf-16-be")
    cuts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    start = b"\x06\x08\x04\x12\x34" if wide else b"\x05\x00\x03\x34"
    return [
        pdu(
            esm_class=0x40,
            data_coding=8,
            short_message=start + bytes([len(cuts), number]) + cut,
        )
        for number, cut in enumerate(cuts, 1)
    ]


def test_a_message() -> None:
    assert message() == Inbound(
        ref=None, sender="+79071234567", sent_to="+79430000000", body="STOP"
    )


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"\x00 \x02 \x1b\x65 \x1b\x28x\x1b\x29 \x11", "@ $ € {x} _"),
        (0, b"a\x1bz\x1b", "az"),
        (0, b"\xe9", "\\xe9"),
        (0x11, b"\x00\x11\x1b\x65", "@_€"),
        (0xF1, b"\x00\x11\x1b\x65", "@_€"),
        (0xF5, b"\xff", "\\xff"),
        (0x19, "СТОП".encode("utf-16-be"), "СТОП"),
        (3, "été @".encode("latin-1"), "été @"),
        (8, "СТОП 😀".encode("utf-16-be"), "СТОП 😀"),
        (8, b"\xd8\x3d", "\\xd8\\x3d"),
        (1, b"STOP", "STOP"),
        (4, b"\xff\x00", "\\xff\\x00"),
    ],
)
def test_a_text_in_each_coding(data_coding: int, octets: bytes, text: str) -> None:
    assert message(data_coding=data_coding, short_message=octets).body == text
    assert decode(octets, data_coding) == text


def test_every_character_of_the_gsm_alphabet_comes_back() -> None:
    basic = GSM_BASIC.replace("\x1b", "")
    octets = bytes(GSM_BASIC.index(character) for character in basic)
    octets += b"".join(bytes([0x1B, code]) for code in GSM_EXTENSION.values())
    assert decode(octets, 0) == basic + "".join(GSM_EXTENSION)


@pytest.mark.parametrize(
    ("esm_class", "is_one"),
    [
        (0x00, True),
        (0x03, True),
        (0x40, True),
        (0x80, True),
        (0xC0, True),
        (0x04, False),
        (0x08, False),
        (0x10, False),
        (0x18, False),
        (0x20, False),
        (0x44, False),
    ],
)
def test_receipts_of_every_kind_are_no_messages(esm_class: int, is_one: bool) -> None:
    assert is_message(esm_class) is is_one
    short_message = b"\x02\x70\x00hi" if esm_class & 0x40 else b"hi"
    assert (read_part(pdu(esm_class=esm_class, short_message=short_message)) is None) is not is_one


def test_a_payload_is_read_where_the_short_message_is_empty() -> None:
    text = "Прошу перезвонить. " * 6
    octets = text.encode("utf-16-be")
    assert message(data_coding=8, short_message=b"", message_payload=octets).body == text


def test_a_header_that_tells_no_parts_is_cut_off() -> None:
    ports = b"\x06\x05\x04\x0b\x84\x23\xf0"
    assert message(esm_class=0x40, short_message=ports + b"hello").body == "hello"


@pytest.mark.parametrize("wide", [False, True])
def test_parts_in_any_order_are_one_text_again(wide: bool) -> None:
    parts = [read_part(one) for one in concatenated(LONG, wide=wide)]
    assert len(parts) > len(split(LONG)) - 1
    assert {part and part.reference for part in parts} == {0x1234 if wide else 0x34}
    assert {part and part.total for part in parts} == {len(parts)}
    assert join([part for part in reversed(parts) if part]).body == LONG


def test_a_surrogate_pair_cut_in_two_is_one_character_again() -> None:
    text = "я" * 66 + "😀" + "я"
    parts = [part for one in concatenated(text) if (part := read_part(one))]
    assert [join(list(order)).body for order in permutations(parts)] == [text, text]


def numbered_by_parameters(cut: bytes, number: int, total: int) -> Delivered:
    """A deliver_sm as our own reader gives it, with the three sar_ parameters."""
    octets = b"".join(
        (
            b"\0\x01\x0179071234567\0\x01\x0179430000000\0\0\0\0\0\0\0\0\x08\0",
            bytes([len(cut)]) + cut,
            tlv(0x020C, b"\x12\x34") + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([number])),
        )
    )
    return read_deliver_sm(octets, 0, len(octets))


def test_parts_numbered_by_parameters_are_one_text_too() -> None:
    octets = LONG.encode("utf-16-be")
    cuts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    parts = [
        read_part(numbered_by_parameters(cut, number, len(cuts)))
        for number, cut in enumerate(cuts, 1)
    ]
    assert {part and part.reference for part in parts} == {0x1234}
    assert join([part for part in reversed(parts) if part]).body == LONG


@pytest.mark.parametrize(("number", "total"), [(0, 2), (3, 2), (1, 0)])
def test_a_part_that_cannot_be_is_refused(number: int, total: int) -> None:
    with pytest.raises(MalformedInbound, match="cannot be"):
        read_part(numbered_by_parameters(b"\x04\x1f", number, total))


@pytest.mark.parametrize("wrong", [[0], [0, 0], [1, 2]])
def test_not_all_the_parts_are_no_message(wrong: list[int]) -> None:
    parts = [read_part(one) for one in concatenated("я" * 150)]
    with pytest.raises(ValueError, match="not all the parts"):
        join([part for n in wrong if (part := parts[n])])


@pytest.mark.parametrize(
    "short_message",
    [
        b"\x09\x00\x03",
        b"\x05\x00\x03\x01\x02\x03text",  # part 3 of 2
        b"\x05\x00\x03\x01\x02\x00text",
    ],
)
def test_a_header_that_cannot_be_is_refused(short_message: bytes) -> None:
    with pytest.raises(MalformedInbound):
        read_part(pdu(esm_class=0x40, short_message=short_message))


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ({"source_addr_ton": 1}, "+79071234567"),
        ({"source_addr_ton": 0}, "79071234567"),
        ({"source_addr_ton": 5, "source_addr": "BANK"}, "BANK"),
        ({"source_addr_ton": 1, "source_addr": "BANK"}, "BANK"),
    ],
)
def test_an_international_sender_gets_its_plus(fields: dict[str, Any], sender: str) -> None:
    assert message(**fields).sender == sender


def test_without_a_sender_it_is_refused() -> None:
    with pytest.raises(MalformedInbound, match="source_addr"):
        read_part(pdu(source_addr=""))
