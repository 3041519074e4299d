"""Everybody who is connected, and who has to leave when it is full or has taken too long.

Room is made by sending away whoever owes us a request for the longest time: first strangers (no
callback of theirs or of their address had a right token), then known callers between two calls. Who
is being answered stays. So a true provider gets in however many silent sockets others hold.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog

from outbox.doors.limits import Limits

if TYPE_CHECKING:
    from outbox.doors.door import Door

log = structlog.get_logger()

SWEEP_S = 0.5
HEARING_S = 0.25  # in which whoever came may speak, however many come after
TELL_S = 10.0  # between two lines in the log, whatever strangers do
MOST_FRIENDS = 1024
READ_AT_ONCE = 16 * 1024  # bytes: one caller's turn in the event loop is short


class Hall:
    """The connections of one listener."""

    def __init__(self, limits: Limits, *, room: int, name: str) -> None:
        self.limits = limits
        self.room = min(limits.connections, room)
        self.name = name
        self.refused: Counter[str] = Counter()
        self.buffer = memoryview(bytearray(READ_AT_ONCE))
        self._strangers: dict[Door, None] = {}
        self._known: dict[Door, None] = {}  # who called last stands last
        self._by_site: defaultdict[str, dict[Door, None]] = defaultdict(dict)
        self._friends: dict[str, None] = {}  # addresses from which a right token came
        self._told: Counter[str] = Counter()
        self._told_at = -TELL_S

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    @property
    def doors(self) -> list[Door]:
        """All of them."""
        return [*self._strangers, *self._known]

    def can_admit(self, now: float) -> bool:
        """Whether there is room, or somebody who had time to speak and did not."""
        if len(self) < self.room:
            return True
        stranger = _first(self._strangers)
        if stranger is not None:
            return now - stranger.since >= HEARING_S
        return _first(self._known) is not None

    def admits(self, site: str, *, is_trusted: bool) -> bool:
        """Make room for one from there; false: no room."""
        of_site = self._by_site.get(site, {})
        if len(of_site) >= self.limits.per_address and not is_trusted:
            why, has_room = "crowded", self._send_away("crowded", of_site)
        else:
            why, has_room = "full", len(self) < self.room or self.make_room()
        if not has_room:
            self.refused[why] += 1
        return has_room

    def make_room(self) -> bool:
        """Send one away; false where everybody is being answered."""
        return self._send_away("displaced", self._strangers) or self._send_away(
            "displaced", self._known
        )

    def enter(self, door: Door) -> None:
        """Let it in: as a stranger, unless its address is known."""
        (self._known if door.site in self._friends else self._strangers)[door] = None
        self._by_site[door.site][door] = None

    def knows(self, door: Door) -> None:
        """It brought a right token just now."""
        if door in self._strangers:
            del self._strangers[door]
        else:
            self._known.pop(door, None)
        self._known[door] = None
        if door.site not in self._friends and not door.is_trusted:  # who speaks for strangers too
            if len(self._friends) >= MOST_FRIENDS:
                del self._friends[next(iter(self._friends))]
            self._friends[door.site] = None

    def leave(self, door: Door) -> None:
        """It is gone; twice does no harm."""
        self._strangers.pop(door, None)
        self._known.pop(door, None)
        if (of_site := self._by_site.get(door.site)) is not None:
            of_site.pop(door, None)
            if not of_site:
                del self._by_site[door.site]

    async def sweep(self) -> None:
        """Until cancelled: end what takes too long, and tell of it now and then."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_S)
            for door in self.doors:
                door.check(now())
            self._tell(now())

    def _send_away(self, why: str, doors: Iterable[Door]) -> bool:
        found = _first(doors)
        if found is None:
            return False
        self.refused[why] += 1
        found.drop()
        return True

    def _tell(self, now: float) -> None:
        """One line for all that was refused since the last one."""
        if now - self._told_at < TELL_S or self.refused == self._told:
            return
        since = self.refused - self._told
        self._told, self._told_at = self.refused.copy(), now
        log.warning(f"{self.name}_refused", open=len(self), **dict(since))


def _first(doors: Iterable[Door]) -> Door | None:
    """Who came first of those to whom we owe nothing."""
    return next((door for door in doors if door.can_go), None)


class Seldom:
    """Says yes at most once in `TELL_S` seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = -TELL_S

    def __call__(self) -> bool:
        now = self._clock()
        if now - self._last < TELL_S:
            return False
        self._last = now
        return True
