"""Texts as SMS: which alphabet, how many segments, and where a long text is cut."""

import re
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

# 3GPP TS 23.038, default alphabet in code order; 0x1B is the escape to the extension table.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as an escape and one more septet, so it takes two.
GSM_EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F,
    "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip

# Units in a text that fits alone, and in one part of several: the user data header takes the rest.
ALONE: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}
PART: dict[Encoding, int] = {"gsm7": 153, "ucs2": 67}

_PLAIN_GSM = re.compile(f"[{re.escape(GSM_BASIC.replace(chr(0x1B), ''))}]*")
_GSM = re.compile(f"[{re.escape(GSM_BASIC.replace(chr(0x1B), '') + ''.join(GSM_EXTENSION))}]*")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """How a text travels; `units` are septets for gsm7 and UTF-16 code units for ucs2."""

    encoding: Encoding
    units: int
    segments: int


def encode(body: str) -> Encoded:
    """Tell the encoding, units and segments of a text; an empty one takes 0 segments.

    Raises UnicodeEncodeError for a lone surrogate, which no text from the database can hold.
    Source: 3GPP TS 23.038 and 23.040. sms.segments counts the same in SQL.
    """
    if _PLAIN_GSM.fullmatch(body):
        return _even("gsm7", len(body))
    encoding = encoding_of(body)
    units = _units(body, encoding)
    if encoding == "ucs2" and not _ASTRAL.search(body):
        return _even("ucs2", units)
    return Encoded(encoding=encoding, units=units, segments=len(split(body)))


def segments(body: str) -> int:
    """Count the segments of a text."""
    return encode(body).segments


def encoding_of(body: str) -> Encoding:
    """Choose GSM-7 where every character is in its tables, else UCS-2."""
    return "gsm7" if _GSM.fullmatch(body) else "ucs2"


def split(body: str) -> list[str]:
    """Cut a text into the parts it is sent as; characters of two units are never cut.

    Joined they are the text again; an empty text has no parts.
    """
    encoding = encoding_of(body)
    if _units(body, encoding) <= ALONE[encoding]:
        return [body] if body else []
    parts, start, room = [], 0, PART[encoding]
    for at, character in enumerate(body):
        size = _size(character, encoding)
        if size > room:
            parts.append(body[start:at])
            start, room = at, PART[encoding]
        room -= size
    return [*parts, body[start:]]


def _even(encoding: Encoding, units: int) -> Encoded:
    """Count where every character takes one unit, so that parts are filled to the brim."""
    count = -(-units // PART[encoding]) if units > ALONE[encoding] else min(units, 1)
    return Encoded(encoding=encoding, units=units, segments=count)


def _units(body: str, encoding: Encoding) -> int:
    """Count septets or UTF-16 code units."""
    if encoding == "gsm7":
        return len(body) + sum(body.count(character) for character in GSM_EXTENSION)
    return len(body.encode("utf-16-be")) // 2


def _size(character: str, encoding: Encoding) -> int:
    """Give the units of one character: 1 or 2."""
    return 2 if (character in GSM_EXTENSION if encoding == "gsm7" else character > "\uffff") else 1
