"""A message as the bodies of its submit_sm, one for each part."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from providers.base import Message
from providers.smpp.pdu import submit_body
from providers.smpp.segment import UCS2, Segmenter, Unsendable, octets
from providers.smpp.settings import SmppSettings, TonNpi

ALPHANUMERIC = re.compile(r"(?! )[\x20-\x7e]{1,11}(?<! )")
NUMBER = re.compile(r"\+?([0-9]{1,20})")
SHORT = 8  # digits that a short code has at most
LONGEST_RELATIVE = timedelta(days=30)  # a duration in whole months would have to be guessed
CACHED = 10_000


class Submits:
    """Encodes for one account; what repeats from message to message is kept."""

    def __init__(
        self, settings: SmppSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings = settings
        self._now = now
        self._segmenter = Segmenter(settings.long_texts)
        self._service_type = settings.service_type.encode("ascii") + b"\0"
        self._destination = bytes(settings.destination_ton_npi)
        self._sources: dict[str | None, bytes] = {}

    def bodies(self, message: Message) -> list[bytes]:
        """One body for each part, in order; Unsendable says why there is none."""
        settings = self._settings
        gsm = message.encoding == "gsm7"
        parts = self._segmenter.parts(
            octets(message.body, message.encoding), message.encoding, message.msisdn
        )
        addresses = b"".join(
            (self._source(message.sender_id), self._destination, b"%d\0" % message.msisdn)
        )
        priority = 3 - message.priority if settings.send_priority else 0
        validity = self._validity(message.expires_at)
        return [
            submit_body(
                addresses,
                esm_class=part.esm_class,
                priority=priority,
                validity=validity,
                registered_delivery=settings.registered_delivery,
                data_coding=settings.gsm_data_coding if gsm else UCS2,
                short_message=part.short_message,
                tlvs=part.tlvs,
            )
            for part in parts
        ]

    def is_over(self, message: Message) -> bool:
        """Whether its validity has ended: the next claim judges it expired."""
        return message.expires_at <= self._now()

    def _source(self, sender_id: str | None) -> bytes:
        """service_type and the source's three fields."""
        if (known := self._sources.get(sender_id)) is None:
            if len(self._sources) >= CACHED:
                self._sources.clear()
            known = self._sources[sender_id] = self._service_type + self._make_source(sender_id)
        return known

    def _make_source(self, sender_id: str | None) -> bytes:
        sender = sender_id or self._settings.sender_id
        if sender is None:  # the SMSC puts in the account's own
            return b"\0\0\0"
        return bytes(self._ton_npi(sender)) + sender.lstrip("+").encode("ascii") + b"\0"

    def _ton_npi(self, sender: str) -> TonNpi:
        if number := NUMBER.fullmatch(sender):
            is_short = len(number[1]) <= SHORT and not sender.startswith("+")
            return self._settings.short_ton_npi if is_short else self._settings.number_ton_npi
        if ALPHANUMERIC.fullmatch(sender):
            return self._settings.alphanumeric_ton_npi
        raise Unsendable(f"sender_id {sender!r} is neither 1-20 digits nor 1-11 Latin characters")

    def _validity(self, expires_at: datetime) -> bytes:
        match self._settings.validity:
            case "absolute":
                return absolute(expires_at)
            case "relative":
                return relative(expires_at - self._now())
            case _:
                return b"\0"


def absolute(moment: datetime) -> bytes:
    """A moment in SMPP's absolute form, in UTC; with its NUL."""
    utc = moment.astimezone(UTC)
    return b"%02d%02d%02d%02d%02d%02d000+\0" % (
        utc.year % 100, utc.month, utc.day, utc.hour, utc.minute, utc.second,
    )  # fmt: skip


def relative(left: timedelta) -> bytes:
    """A duration in SMPP's relative form, at most thirty days of it; with its NUL."""
    seconds = max(1, int(min(left, LONGEST_RELATIVE).total_seconds()))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return b"0000%02d%02d%02d%02d000R\0" % (day, hour, minute, second)
