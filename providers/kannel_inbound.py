"""Messages from subscribers: what Kannel's sms-service posts to its post-url.

Kannel's reference `%I` is in the query, the numbers are in headers, the text is the body in the
character set that Content-Type names: UTF-8 for the GSM alphabet, UTF-16BE for UCS-2. Posted, and
not in the URL as with get-url, because smsbox logs the URL whenever it finds nobody there.
"""

from __future__ import annotations

from email.message import Message

from providers import forms
from providers.base import Inbound, MalformedInbound, ReceiptRequest, storable

LONGEST = 100  # characters of a reference or a number
# What Kannel names beside UTF-8; the last two where `mo-recode` is on.
CHARSETS = {"utf-16be": "utf-16-be", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}


def parse_inbound(request: ReceiptRequest) -> Inbound:
    """Read a POST to `…/inbound?ref=%I`; MalformedInbound where a part is missing."""
    ref = forms.text(forms.fields(request.query).get("ref", b""))
    sender, sent_to = (
        storable(request.headers.get(name, "")) for name in ("x-kannel-from", "x-kannel-to")
    )
    if request.method != "POST" or not ref:
        raise MalformedInbound("A message from Kannel is posted to a post-url that ends in ref=%I.")
    if not sender:
        raise MalformedInbound("A message from Kannel has X-Kannel-From: set send-sender = true.")
    if max(len(ref), len(sender), len(sent_to)) > LONGEST:
        raise MalformedInbound("A message from Kannel has a short ref, sender and receiver.")
    charset = CHARSETS.get(_charset(request.headers.get("content-type", "")), "utf-8")
    return Inbound(
        ref=ref,
        sender=sender,
        sent_to=sent_to or None,
        body=forms.text(request.body, charset),
    )


def _charset(content_type: str) -> str:
    """The character set of a Content-Type, in lower case; empty where it names none."""
    header = Message()
    header["content-type"] = content_type
    return header.get_content_charset("")
