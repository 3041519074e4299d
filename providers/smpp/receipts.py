"""Delivery receipts: the text of SMPP's appendix B as SMSCs really write it, and the TLVs.

The code is the SMSC's own word (DELIVRD, UNDELIV …); a message_state is turned into that word.
sms.receipt_code says what a word means to us. Where TLVs and text differ, TLVs win.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from providers.base import Receipt, storable
from providers.smpp.inbound import GSM as GSM_CODINGS
from providers.smpp.inbound import KIND, decode
from providers.smpp.pdu import (
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
    RECEIPTED_MESSAGE_ID,
    Delivered,
)

FINAL, INTERMEDIATE = 0x04, 0x20  # of esm_class
NO_STATE = "NO_STAT"  # the code of a receipt that does not say what happened
STATES = (
    "SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN",
    "REJECTD", "SKIPPED",
)  # fmt: skip
GSM = 3  # network type
MAX_RAW = 1000

_KEYS = "id|sub|dlvrd|submit date|done date|stat|err"
_TEXT = re.compile(r"\btext\s*:", re.IGNORECASE)
# A value may be missing; the next key is not it.
_FIELD = re.compile(rf"\b({_KEYS})\s*:(?:[ \t]*(?!(?:{_KEYS})\s*:)([^\s,;]+))?", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{10}|[0-9]{12}|[0-9]{14}")
_NO_ERROR = re.compile(r"0*")


def is_receipt(pdu: Delivered) -> bool:
    """Whether it reports on a message of ours.

    Some SMSCs leave esm_class at 0; then only the TLVs tell, which no phone can write. A text that
    looks like a receipt may have been written by anybody.
    """
    kind = pdu.esm_class & KIND
    if kind in (FINAL, INTERMEDIATE):
        return True
    return kind == 0 and {RECEIPTED_MESSAGE_ID, MESSAGE_STATE} <= pdu.tlvs.keys()


class Receipts:
    """Reads the receipts of one account; `normal_id` brings ids to the form of the answers."""

    def __init__(
        self, normal_id: Callable[[str], str], *, err_is_gsm: bool, time_zone: str | None
    ) -> None:
        self._normal_id = normal_id
        self._err_is_gsm = err_is_gsm
        self._zone = None if time_zone is None else ZoneInfo(time_zone)

    def read(self, pdu: Delivered) -> Receipt:
        """One receipt; what it does not say is None, its state then NO_STAT."""
        text = _text(pdu)
        fields = _fields(text)
        tlvs = pdu.tlvs
        raw_id = _words(tlvs[RECEIPTED_MESSAGE_ID]) if RECEIPTED_MESSAGE_ID in tlvs else ""
        raw_id = raw_id or fields.get("id", "")
        return Receipt(
            message_id=None,
            ref=self._normal_id(raw_id) if raw_id else None,
            code=(_state(tlvs.get(MESSAGE_STATE)) or fields.get("stat", "").upper() or NO_STATE)[
                :20
            ],
            error=self._error(tlvs.get(NETWORK_ERROR_CODE), fields.get("err", "")),
            occurred_at=self._moment(fields.get("done date", "")),
            raw=_raw(text, tlvs),
        )

    def _error(self, network: bytes | None, err: str) -> str | None:
        """`gsm 27` where the network's own number is known, else `err 027` as the SMSC wrote it."""
        if network is not None and len(network) == 3 and (number := network[1] << 8 | network[2]):
            return f"gsm {number}" if network[0] == GSM else f"network {network[0]}/{number}"
        if _NO_ERROR.fullmatch(err):
            return None
        if self._err_is_gsm and err.isdecimal():
            return f"gsm {int(err)}"
        return f"err {err[:20]}"

    def _moment(self, date: str) -> datetime | None:
        """The SMSC's own date where its zone is known, else now: it does not write the zone."""
        if self._zone is None or not _DATE.fullmatch(date):
            return datetime.now(UTC)
        century = "" if len(date) == 14 else "20"
        digits = f"{century}{date}".ljust(14, "0")
        try:
            local = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=self._zone)
        except ValueError:
            return datetime.now(UTC)
        return local.astimezone(UTC)


def _text(pdu: Delivered) -> str:
    octets = pdu.short_message or pdu.message_payload or b""
    if pdu.data_coding in GSM_CODINGS:
        # Receipts are ASCII; "_" has another place in the GSM alphabet, and ids may have one.
        return storable(octets.decode("ascii", "backslashreplace"))
    return decode(octets, pdu.data_coding)


def _fields(text: str) -> dict[str, str]:
    """What stands before `text:`; of a key that comes twice the first."""
    found: dict[str, str] = {}
    stop = _TEXT.search(text)
    for key, value in _FIELD.findall(text[: stop.start()] if stop else text):
        found.setdefault(key.lower(), value)
    return found


def _state(value: bytes | None) -> str | None:
    if value is None or len(value) != 1:
        return None
    return STATES[value[0]] if value[0] < len(STATES) else f"STATE{value[0]}"


def _words(value: bytes) -> str:
    return storable(value.rstrip(b"\0").decode("ascii", "backslashreplace"))


def _raw(text: str, tlvs: dict[int, bytes]) -> str:
    """As received: the text, and the TLVs in hexadecimal behind it."""
    shown = [f"{tag:04x}={value.hex()}" for tag, value in tlvs.items() if tag != 0x0424]
    return " ".join([text, *shown])[:MAX_RAW]
