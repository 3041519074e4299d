"""The SMSC's message ids in one form, whichever of its usual forms it writes them in.

The answer to a submit_sm and the receipt may write the same id in hexadecimal and in decimal, with
or without leading zeros, in capitals or not. Both sides are brought to one form (a number becomes
its decimal digits) before they meet in the database.
"""

from __future__ import annotations

import re

import structlog

from providers.smpp.settings import IdFormat

log = structlog.get_logger()

SURE_AFTER = 50  # ids of one side without a letter while the other side has letters

_HEX = re.compile(r"[0-9a-f]{1,32}")
_DECIMAL = re.compile(r"[0-9]{1,64}")


class MessageIds:
    """Normalises the ids of one account.

    `auto`: an id with a letter a to f and nothing beyond hexadecimal digits is a hexadecimal
    number, digits alone are decimal, anything else is compared in small letters. That meets every
    mix but one: a hexadecimal id that happens to have no letter, from an SMSC that writes decimals
    on the other side. Which SMSC that is shows soon: once one side has had letters and the other
    none in SURE_AFTER ids, digits alone on the lettered side are read as hexadecimal too.
    """

    def __init__(self, provider: str, *, in_answer: IdFormat, in_receipt: IdFormat) -> None:
        self._provider = provider
        self._answer = _Side(in_answer)
        self._receipt = _Side(in_receipt)

    def of_answer(self, raw: str) -> str:
        """The id of a submit_sm_resp."""
        return self._normal(raw, self._answer, self._receipt)

    def of_receipt(self, raw: str) -> str:
        """The id of a receipt."""
        return self._normal(raw, self._receipt, self._answer)

    def _normal(self, raw: str, side: _Side, other: _Side) -> str:
        if side.format == "as_is":
            return raw
        text = raw.strip().lower()
        if side.format == "auto":
            return self._guess(text, side, other)
        if side.format == "hex" and _HEX.fullmatch(text):
            return str(int(text, 16))
        return _decimal(text)

    def _guess(self, text: str, side: _Side, other: _Side) -> str:
        if not _HEX.fullmatch(text):
            return _decimal(text)
        if not text.isdigit():
            side.has_letters = True
            side.without = 0
            return str(int(text, 16))
        side.without += 1
        if side.has_letters and not other.has_letters and other.without >= SURE_AFTER:
            self._tell_once(side)
            return str(int(text, 16))
        return _decimal(text)

    def _tell_once(self, side: _Side) -> None:
        if side.told:
            return
        side.told = True
        lettered, plain = (
            ("id_in_answer", "id_in_receipt")
            if side is self._answer
            else ("id_in_receipt", "id_in_answer")
        )
        advice = f"set {lettered}=hex and {plain}=decimal"
        log.warning("smpp_ids_differ", provider=self._provider, advice=advice)


class _Side:
    """Answers or receipts: their form, and what `auto` has seen of them."""

    __slots__ = ("format", "has_letters", "told", "without")

    def __init__(self, id_format: IdFormat) -> None:
        self.format = id_format
        self.has_letters = id_format == "hex"
        self.without = SURE_AFTER if id_format == "decimal" else 0
        self.told = False


def _decimal(text: str) -> str:
    return text.lstrip("0") or "0" if _DECIMAL.fullmatch(text) else text
