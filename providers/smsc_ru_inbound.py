"""Messages from subscribers as smsc.ru posts them to the handler that is set in the account.

A form with `phone`, `mes`, `to` and `id`, in the character set that the registered URL asks for
(windows-1251 when it asks for none), signed in a parameter `md5`, `sha1` or `crc32` over
`phone:mes:to:SECRET`. `mes` is signed in the bytes that were sent, so hashing comes before any
decoding. The same URL hears delivery statuses: `mes` is what tells a message.

Pure functions for an adapter to use; nothing here talks to anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable

from providers import forms
from providers.base import Inbound, MalformedInbound

SIGNED = ("phone", "mes", "to")
LONGEST = 100  # characters of a reference or a number
# crc32 keeps mistakes out, not people: choose another one in the account.
HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda signed: hashlib.md5(signed, usedforsecurity=False).hexdigest(),
    "sha1": lambda signed: hashlib.sha1(signed, usedforsecurity=False).hexdigest(),
    "crc32": lambda signed: f"{zlib.crc32(signed):08x}",
}


def is_inbound(form: bytes) -> bool:
    """Whether an url-encoded form tells a subscriber's message and not a delivery status."""
    return "mes" in forms.fields(form)


def parse_inbound(form: bytes, *, secret: str, charset: str = "windows-1251") -> Inbound:
    """Read one url-encoded form; MalformedInbound where a part is missing or no signature right.

    Which of the three hashes signs it, the parameter's name says; without any it is refused.
    """
    fields = forms.fields(form)
    if missing := [name for name in SIGNED if name not in fields]:
        raise MalformedInbound(f"A message from smsc.ru lacks {', '.join(missing)}.")
    if not _is_signed(fields, secret):
        raise MalformedInbound("A message from smsc.ru has a right md5, sha1 or crc32.")
    ref, sender, sent_to = (
        forms.text(fields.get(name, b""), charset) for name in ("id", "phone", "to")
    )
    if not sender or max(len(ref), len(sender), len(sent_to)) > LONGEST:
        raise MalformedInbound("A message from smsc.ru has a phone, and short id, phone and to.")
    return Inbound(
        ref=ref or None,
        sender=sender,
        sent_to=sent_to or None,
        body=forms.text(fields["mes"], charset),
    )


def _is_signed(fields: dict[str, bytes], secret: str) -> bool:
    """Whether a signature is there and all that are there are right; compared in equal time."""
    signed = b":".join([*(fields[name] for name in SIGNED), secret.encode()])
    given = [name for name in HASHES if name in fields]
    right = [
        hmac.compare_digest(fields[name].lower(), HASHES[name](signed).encode()) for name in given
    ]
    return bool(given) and all(right)
