"""Queries and forms whose texts come in a character set that has to be learned first."""

from __future__ import annotations

from urllib.parse import parse_qsl

from providers.base import storable


def fields(encoded: bytes) -> dict[str, bytes]:
    """The values of an url-encoded query or form, still bytes; of a repeated name the last."""
    # Latin-1 is one character a byte, there and back.
    pairs = parse_qsl(encoded.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {name: value.encode("latin-1") for name, value in pairs}


def text(value: bytes, charset: str = "utf-8") -> str:
    """Bytes as text; those that the character set does not know stay readable as escapes."""
    return storable(value.decode(charset, "backslashreplace"))
