"""Messages from subscribers as smsc.ru posts them to the handler that is set in the account.

A form with `phone`, `mes`, `to` and `id`, in the character set that the registered URL asks for
(windows-1251 when it asks for none), signed over `phone:mes:to:SECRET` in the bytes that were sent,
so hashing comes before any decoding. The same URL hears delivery statuses: `mes` is what tells a
message.
"""

from __future__ import annotations

from providers import forms
from providers.base import Inbound, MalformedInbound
from providers.smsc_ru_callbacks import Hash, is_signed

SIGNED = ("phone", "mes", "to")
LONGEST = 100  # characters of a reference or a number


def is_inbound(form: bytes) -> bool:
    """Whether an url-encoded form tells a subscriber's message and not a delivery status."""
    return "mes" in forms.fields(form)


def parse_inbound(form: bytes, *, secret: str, kind: Hash = "md5", charset: str) -> Inbound:
    """Read one url-encoded form; MalformedInbound where a part is missing or the hash is wrong."""
    fields = forms.fields(form)
    if missing := [name for name in SIGNED if name not in fields]:
        raise MalformedInbound(f"A message from smsc.ru lacks {', '.join(missing)}.")
    if not is_signed(fields, SIGNED, secret=secret, kind=kind):
        raise MalformedInbound(f"A message from smsc.ru has a right {kind}.")
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
