"""Whom a link tells what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from providers.smpp import pdu
from providers.smpp.outgoing import Outgoing

if TYPE_CHECKING:
    from providers.smpp.link import Link


class Owner(Protocol):
    """What a link tells, at once and from within its own event; it expects no exception."""

    def ref(self, message_id: bytes) -> str:
        """The SMSC's id of a part, in the form that receipts will have."""
        ...

    def has_room(self) -> None:
        """Places of the window became free."""
        ...

    def again(self, outgoing: Outgoing) -> None:
        """Parts of a message want to be written again, or over another link."""
        ...

    def throttled(self, link: Link) -> None:
        """The SMSC says: too fast."""
        ...

    def heard(self, link: Link, command: int, sequence: int, delivered: pdu.Delivered) -> None:
        """A receipt or a subscriber's message; it is answered by `link.answer` once stored."""
        ...
