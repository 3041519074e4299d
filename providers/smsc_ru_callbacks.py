"""What smsc.ru posts to the one URL that is set in the account, and how it signs that.

`mes` in the form tells a subscriber's message (smsc_ru_inbound.py), `waitcall` a call that confirms
a number, which is nothing to us; all else is a delivery status. Signed are few fields, err and time
are not among them, and nothing keeps a report from being repeated: so the URL has a secret part,
states only move forward, and an err is never taken for more than a hint.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from providers import forms
from providers.base import MalformedReceipt, Receipt, storable
from providers.smsc_ru_answers import error_of, moment
from providers.smsc_ru_requests import make_key

Hash = Literal["md5", "sha1", "crc32"]

# crc32 keeps mistakes out, not people: choose another one in the account.
HASHES: dict[Hash, Callable[[bytes], str]] = {
    "md5": lambda signed: hashlib.md5(signed, usedforsecurity=False).hexdigest(),
    "sha1": lambda signed: hashlib.sha1(signed, usedforsecurity=False).hexdigest(),
    "crc32": lambda signed: f"{zlib.crc32(signed):08x}",
}
STATUS = ("id", "phone", "status")
CALL = ("phone", "ts")
BATCH_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
PHONE = re.compile(r"\+?[0-9]{5,15}")
CODE = re.compile(r"-?[0-9]{1,3}")


def is_signed(
    fields: Mapping[str, bytes], names: Sequence[str], *, secret: str, kind: Hash
) -> bool:
    """Whether the hash of this kind is there and right; over the bytes as sent, in equal time."""
    signed = b":".join([*(fields[name] for name in names), secret.encode()])
    return hmac.compare_digest(fields.get(kind, b"").lower(), HASHES[kind](signed).encode())


def parse_callback(form: bytes, *, secret: str, kind: Hash) -> Receipt | None:
    """Read one url-encoded form; None for a call, MalformedReceipt for what is not signed so."""
    fields = forms.fields(form)
    names = CALL if "waitcall" in fields else STATUS
    if missing := [name for name in names if name not in fields]:
        raise MalformedReceipt(f"A callback of smsc.ru lacks {', '.join(missing)}.")
    if not is_signed(fields, names, secret=secret, kind=kind):
        raise MalformedReceipt(f"A callback of smsc.ru has a right {kind}.")
    if names is CALL:
        return None
    batch_id, phone, code = (forms.text(fields[name]) for name in STATUS)
    if not (BATCH_ID.fullmatch(batch_id) and PHONE.fullmatch(phone) and CODE.fullmatch(code)):
        raise MalformedReceipt("A callback of smsc.ru has an id, a phone and a status code.")
    return Receipt(
        message_id=None,
        ref=make_key(batch_id, phone.removeprefix("+")),
        code=code,
        error=error_of(forms.text(fields.get("err", b""))),
        occurred_at=moment(forms.text(fields.get("ts", b""))),
        raw=storable(form),
    )
