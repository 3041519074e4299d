"""Messages from subscribers over SMPP: a deliver_sm that is no receipt, and its parts joined.

Functions on the fields of one PDU, for an adapter to use. A long text comes as several PDUs whose
bytes must be joined before they are decoded: a part may end in the middle of a surrogate pair.
Source: SMPP 3.4, 5.2.12 (esm_class) and 5.2.19 (data_coding); 3GPP TS 23.040, 9.2.3.24 (header).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from outbox.text import GSM_BASIC, GSM_EXTENSION
from providers import forms
from providers.base import Inbound, MalformedInbound, storable

KIND = 0x3C  # bits of esm_class: 0 is a message, 0x04 a receipt, 0x20 an intermediate one
HAS_HEADER = 0x40
INTERNATIONAL = 1  # type of number
ESCAPE = 0x1B
EIGHT_BIT_REFERENCE, SIXTEEN_BIT_REFERENCE = 0x00, 0x08
# data_coding of the GSM alphabet, one septet to an octet: without a class, and with one.
GSM = frozenset({0x00, *range(0x10, 0x14), *range(0xF0, 0xF4)})
CHARSETS = {
    0x01: "ascii",
    0x03: "latin-1",
    0x06: "iso8859-5",
    0x08: "utf-16-be",
    **dict.fromkeys(range(0x18, 0x1C), "utf-16-be"),  # the same with a class: shown at once, …
}
_BY_EXTENSION = {code: character for character, code in GSM_EXTENSION.items()}


class DeliverSm(Protocol):
    """The fields of a deliver_sm that matter here, named as in the specification."""

    esm_class: int
    data_coding: int
    source_addr_ton: int
    source_addr: bytes
    dest_addr_ton: int
    destination_addr: bytes
    short_message: bytes

    @property
    def message_payload(self) -> bytes | None: ...

    @property
    def sar_msg_ref_num(self) -> int | None: ...

    @property
    def sar_total_segments(self) -> int | None: ...

    @property
    def sar_segment_seqnum(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One PDU of a message: `number` counts from 1 to `total`; `reference` is the same in all."""

    sender: str
    sent_to: str
    data_coding: int
    text: bytes
    reference: int | None = None
    total: int = 1
    number: int = 1


def is_message(esm_class: int) -> bool:
    """Whether a deliver_sm is a subscriber's message and no receipt of any kind."""
    return esm_class & KIND == 0


def read_part(pdu: DeliverSm) -> Part | None:
    """One PDU as a part, None where it is no message; MalformedInbound for a broken header."""
    if not is_message(pdu.esm_class):
        return None
    octets = pdu.short_message or pdu.message_payload or b""
    sender = _address(pdu.source_addr, pdu.source_addr_ton)
    if not sender:
        raise MalformedInbound("A deliver_sm has no source_addr.")
    if pdu.esm_class & HAS_HEADER:
        header, octets = _cut(octets)
        reference, total, number = _concatenation(header)
    else:
        reference, total, number = _by_parameters(pdu)
    return Part(
        sender=sender,
        sent_to=_address(pdu.destination_addr, pdu.dest_addr_ton),
        data_coding=pdu.data_coding,
        text=octets,
        reference=reference,
        total=total,
        number=number,
    )


def join(parts: Sequence[Part]) -> Inbound:
    """All parts of one message, in any order, as the message; SMPP gives no id of its own."""
    if sorted(part.number for part in parts) != list(range(1, parts[0].total + 1)):
        raise ValueError("these are not all the parts of one message")
    return join_what_came(parts)


def join_what_came(parts: Sequence[Part]) -> Inbound:
    """The same for a message some of whose parts were lost: better short than not at all."""
    ordered = sorted(parts, key=lambda part: part.number)
    first = ordered[0]
    octets = b"".join(part.text for part in ordered)
    return Inbound(
        ref=None,
        sender=first.sender,
        sent_to=first.sent_to or None,
        body=decode(octets, first.data_coding),
    )


def decode(octets: bytes, data_coding: int) -> str:
    """The text of a message; what no alphabet explains stays readable as escapes."""
    if data_coding in GSM:
        return storable(_from_gsm(octets))
    return forms.text(octets, CHARSETS.get(data_coding, "utf-8"))


def _from_gsm(octets: bytes) -> str:
    """GSM default alphabet with its extension, one septet to an octet."""
    text: list[str] = []
    escaped = False
    for octet in octets:
        if octet == ESCAPE:
            escaped = True
            continue
        if octet >= len(GSM_BASIC):
            text.append(f"\\x{octet:02x}")
        else:  # a phone that does not know an extension shows the basic character
            basic = GSM_BASIC[octet]
            text.append(_BY_EXTENSION.get(octet, basic) if escaped else basic)
        escaped = False
    return "".join(text)


def _cut(octets: bytes) -> tuple[bytes, bytes]:
    """User data header without its length, and the text behind it."""
    if not octets or len(octets) < 1 + octets[0]:
        raise MalformedInbound("A deliver_sm has a header longer than its message.")
    end = 1 + octets[0]
    return octets[1:end], octets[end:]


def _concatenation(header: bytes) -> tuple[int | None, int, int]:
    """Reference, total and number from a header's elements; a message alone is 1 of 1."""
    while len(header) >= 2:
        kind, length = header[0], header[1]
        value, header = header[2 : 2 + length], header[2 + length :]
        is_long = kind == SIXTEEN_BIT_REFERENCE
        if (kind, length) not in {(EIGHT_BIT_REFERENCE, 3), (SIXTEEN_BIT_REFERENCE, 4)}:
            continue
        *reference, total, number = value
        if len(value) != length or not 1 <= number <= total:
            raise MalformedInbound("A deliver_sm is a part that cannot be.")
        return (reference[0] << 8 | reference[1] if is_long else reference[0]), total, number
    return None, 1, 1


def _by_parameters(pdu: DeliverSm) -> tuple[int | None, int, int]:
    """The same from sar_… parameters, which an SMSC may number the parts with instead."""
    reference, total = pdu.sar_msg_ref_num, pdu.sar_total_segments
    number = pdu.sar_segment_seqnum
    if reference is None or total is None or number is None:
        return None, 1, 1
    if not 1 <= number <= total:
        raise MalformedInbound("A deliver_sm is a part that cannot be.")
    return reference, total, number


def _address(address: bytes, type_of_number: int) -> str:
    """An address as text; an international number gets its plus."""
    text = forms.text(address.rstrip(b"\0"))
    return f"+{text}" if type_of_number == INTERNATIONAL and text.isdigit() else text
