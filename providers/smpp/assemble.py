"""Parts of subscribers' long messages, held until the others have come.

A part is answered with its message, after the commit, as long as the others come soon. An SMSC that
sends the next part only after the answer to this one gets that answer after a short wait; from then
until the message is whole, its parts are only in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.base import Inbound
from providers.smpp.inbound import Part, join, join_what_came

if TYPE_CHECKING:
    from providers.smpp.hearing import Request

MAX_HELD = 10_000  # messages; the oldest goes on incomplete rather than that memory runs out

Key = tuple[str, str, int | None, int, int]
Whole = tuple[Inbound, tuple["Request", ...]]


@dataclass(slots=True)
class _Pile:
    """The parts of one message so far."""

    since: float
    parts: dict[int, Part] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)  # not answered yet


class Assembler:
    """Puts parts together; moments are the event loop's."""

    def __init__(self, *, wait_s: float, keep_s: float) -> None:
        self._wait_s = wait_s
        self._keep_s = keep_s
        self._piles: dict[Key, _Pile] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether parts are held."""
        return bool(self._piles)

    def add(self, part: Part, request: Request, now: float) -> Whole | None:
        """The whole message once this was its last part, and the requests to answer for it."""
        if part.total == 1:
            return join([part]), (request,)
        key = (part.sender, part.sent_to, part.reference, part.total, part.data_coding)
        pile = self._piles.setdefault(key, _Pile(now))
        pile.requests.append(request)
        pile.parts[part.number] = part
        if len(pile.parts) == part.total:
            del self._piles[key]
            return join(list(pile.parts.values())), tuple(pile.requests)
        return self._give_up(next(iter(self._piles))) if len(self._piles) > MAX_HELD else None

    def release(self, now: float) -> Iterator[Request]:
        """Requests that have waited long enough for an answer."""
        for pile in self._piles.values():
            if now - pile.since >= self._wait_s:
                yield from pile.requests
                pile.requests.clear()

    def give_up(self, now: float) -> list[Whole]:
        """Messages whose other parts will not come any more, as far as they are here."""
        old = [key for key, pile in self._piles.items() if now - pile.since >= self._keep_s]
        return [self._give_up(key) for key in old]

    def give_up_all(self) -> list[Whole]:
        """All that is here, before the end."""
        return [self._give_up(key) for key in list(self._piles)]

    def _give_up(self, key: Key) -> Whole:
        pile = self._piles.pop(key)
        return join_what_came(list(pile.parts.values())), tuple(pile.requests)
