"""Messages from subscribers: the query string that Kannel's sms-service fills into its get-url.

The text comes as `%b`, its bytes, beside `%C`, their character set: UTF-8 for the GSM alphabet,
UTF-16BE for UCS-2. `%a` looks handier, but Kannel cuts it into words as if each byte were a letter.
"""

from __future__ import annotations

from providers import forms
from providers.base import Inbound, MalformedInbound, ReceiptRequest

FIELDS = ("ref", "from", "to", "charset", "text")
LONGEST = 100  # characters of a reference or a number
# What Kannel writes for %C beside UTF-8; the last two where `mo-recode` is on.
CHARSETS = {"UTF-16BE": "utf-16-be", "ISO-8859-1": "latin-1", "WINDOWS-1252": "cp1252"}


def parse_inbound(request: ReceiptRequest) -> Inbound:
    """Read `ref=%I&from=%p&to=%P&charset=%C&text=%b`; MalformedInbound where a part is missing."""
    fields = forms.fields(request.query)
    if missing := [name for name in FIELDS if name not in fields]:
        raise MalformedInbound(
            f"A message from Kannel has {', '.join(FIELDS)} in its query; "
            f"missing: {', '.join(missing)}."
        )
    ref, sender, sent_to = (forms.text(fields[name]) for name in ("ref", "from", "to"))
    if not sender or max(len(ref), len(sender), len(sent_to)) > LONGEST:
        raise MalformedInbound("A message from Kannel has a sender, and short ref, from and to.")
    charset = CHARSETS.get(forms.text(fields["charset"]).upper(), "utf-8")
    return Inbound(
        ref=ref or None,
        sender=sender,
        sent_to=sent_to or None,
        body=forms.text(fields["text"], charset),
    )
