"""A text as the octets of its parts: its alphabet, where it is cut, and how parts are told apart.

An escape and the septet behind it stay together, and so do the two units of a surrogate pair, so a
part may be one unit short. Source: 3GPP TS 23.038 and TS 23.040, 9.2.3.24; SMPP 3.4, 5.3.2.22.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outbox.text import ALONE, GSM_BASIC, GSM_EXTENSION, PART, Encoding
from providers.smpp.pdu import (
    MESSAGE_PAYLOAD,
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    tlv,
)
from providers.smpp.settings import LongTexts

HAS_HEADER = 0x40  # of esm_class
UCS2 = 0x08  # of data_coding
ESCAPE = 0x1B
MAX_PARTS = 255
NUMBERS_REMEMBERED = 100_000

_TO_GSM = {
    **{ord(character): chr(code) for code, character in enumerate(GSM_BASIC) if code != ESCAPE},
    **{ord(character): f"\x1b{chr(code)}" for character, code in GSM_EXTENSION.items()},
}


@dataclass(frozen=True, slots=True)
class Part:
    """What of one part stands in a submit_sm."""

    esm_class: int
    short_message: bytes
    tlvs: bytes = b""


class Unsendable(ValueError):
    """No SMSC could carry this; the text says why."""


def octets(body: str, encoding: Encoding) -> bytes:
    """A text in its alphabet: GSM one septet to an octet, UCS-2 big-endian without a mark."""
    if encoding == "gsm7":
        return body.translate(_TO_GSM).encode("latin-1")
    return body.encode("utf-16-be")


def cut(text: bytes, encoding: Encoding, size: int) -> list[bytes]:
    """A text in parts of at most `size` octets; nothing that belongs together is cut."""
    is_torn = _tears_escape if encoding == "gsm7" else _tears_pair
    width = 1 if encoding == "gsm7" else 2
    parts, start, end = [], 0, len(text)
    while end - start > size:
        stop = start + size
        if is_torn(text, stop):
            stop -= width
        parts.append(text[start:stop])
        start = stop
    return [*parts, text[start:]]


class Segmenter:
    """Makes the parts of one account's messages; `reference` gives the number they share."""

    def __init__(self, style: LongTexts, reference: Callable[[int], int] | None = None) -> None:
        self._style = style
        self._reference = References() if reference is None else reference

    def parts(self, text: bytes, encoding: Encoding, msisdn: int) -> Sequence[Part]:
        """The parts of a text in order; Unsendable where there would be more than 255."""
        width = 1 if encoding == "gsm7" else 2
        if len(text) <= ALONE[encoding] * width:
            return (Part(0, text),)
        if self._style == "payload":
            if len(text) > 0xFFFF:
                raise Unsendable("the text is longer than a message_payload can be")
            return (Part(0, b"", tlv(MESSAGE_PAYLOAD, text)),)
        # The header of a 16-bit reference takes one octet more: a septet, or half a UCS-2 unit.
        size = (PART[encoding] - (self._style == "udh16")) * width
        pieces = cut(text, encoding, size)
        if len(pieces) > MAX_PARTS:
            raise Unsendable(f"the text would have {len(pieces)} parts, and {MAX_PARTS} are most")
        return self._number(pieces, self._reference(msisdn))

    def _number(self, pieces: list[bytes], reference: int) -> list[Part]:
        total = len(pieces)
        low, wide = reference & 0xFF, (reference & 0xFFFF).to_bytes(2, "big")
        match self._style:
            case "udh16":
                head = b"\x06\x08\x04" + wide + bytes((total,))
            case "sar":
                head = tlv(SAR_REFERENCE, wide) + tlv(SAR_TOTAL, bytes((total,)))
                return [
                    Part(0, piece, head + tlv(SAR_NUMBER, bytes((number,))))
                    for number, piece in enumerate(pieces, 1)
                ]
            case _:
                head = b"\x05\x00\x03" + bytes((low, total))
        return [
            Part(HAS_HEADER, head + bytes((number,)) + piece)
            for number, piece in enumerate(pieces, 1)
        ]


class References:
    """A counter for each number, begun at random.

    A phone joins parts by sender, reference and total: two long texts to one number need different
    references, and so do two processes that start at the same time.
    """

    def __init__(self, *, remembered: int = NUMBERS_REMEMBERED) -> None:
        self._last: OrderedDict[int, int] = OrderedDict()
        self._remembered = remembered

    def __call__(self, msisdn: int) -> int:
        last = self._last.pop(msisdn, None)
        reference = random.randrange(0x10000) if last is None else (last + 1) & 0xFFFF
        self._last[msisdn] = reference
        if len(self._last) > self._remembered:
            self._last.popitem(last=False)
        return reference


def _tears_escape(text: bytes, at: int) -> bool:
    return text[at - 1] == ESCAPE


def _tears_pair(text: bytes, at: int) -> bool:
    return text[at - 2] & 0xFC == 0xD8
