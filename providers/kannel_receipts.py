"""Kannel's delivery reports: the query string it fills into our dlr-url.

The codes are Kannel's own event values (1, 2, 4, 8, 16, 34, 66) and mean what sms.receipt_code
says. An SMSC that reports by text alone turns every failure into 2; its word for it (`stat:`) then
picks the value that Kannel would have used had the SMSC reported by number.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs

from providers.base import MalformedReceipt, Receipt, ReceiptRequest, storable

UNDELIVERED = "2"
BY_STAT = {"EXPIRED": "34", "REJECTD": "16", "UNKNOWN": "66"}
CODE = re.compile(r"[0-9]{1,3}")
STAT = re.compile(r"\bstat:(\w{1,20})", re.IGNORECASE)
ERR = re.compile(r"\berr:(\w{1,20})", re.IGNORECASE)
WITHOUT_ERROR = {"1", "4", "8"}


def parse_callback(request: ReceiptRequest) -> Receipt:
    """Read `type=%d&smsc=%i&fid=%F&ts=%T&reply=%A`; MalformedReceipt where a part is missing."""
    raw = storable(request.query)
    fields = parse_qs(raw, keep_blank_values=True, errors="replace")
    code = fields.get("type", [""])[0]
    if request.message_id is None:
        raise MalformedReceipt("The path of a Kannel callback ends in our message id.")
    if not CODE.fullmatch(code):
        raise MalformedReceipt("A Kannel callback has type=, a number, in its query.")
    reply = storable(fields.get("reply", [""])[0])
    # The receipt's text: may quote the message, which may quote another stat:.
    report = re.split(r"\btext:", reply, maxsplit=1, flags=re.IGNORECASE)[0]
    stat = STAT.search(report)
    if code == UNDELIVERED and stat is not None:
        code = BY_STAT.get(stat[1].upper(), code)
    return Receipt(
        message_id=request.message_id,
        ref=None,
        code=code,
        error=None if code in WITHOUT_ERROR else _error(report, stat),
        occurred_at=_moment(fields.get("ts", [""])[0]),
        raw=raw,
    )


def _error(report: str, stat: re.Match[str] | None) -> str | None:
    """`UNDELIV/001` from a receipt's text, else Kannel's own word such as `NACK/no SMSC`."""
    if stat is None:
        return report.strip()[:200] or None
    err = ERR.search(report)
    return f"{stat[1].upper()}/{err[1]}" if err else stat[1].upper()


def _moment(seconds: str) -> datetime | None:
    """When bearerbox saw the report; the SMSC's own date has no time zone, so it stays in raw."""
    if not re.fullmatch(r"[0-9]{1,11}", seconds) or int(seconds) == 0:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
