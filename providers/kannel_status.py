"""How full Kannel is, read from its status page: the queue belongs in Postgres, not there."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx
import structlog

from providers.connections import Connections

log = structlog.get_logger()

DENIED = re.compile(rb"\s*(<\?xml[^>]*>\s*<gateway>\s*)?Denied\b")  # with status 200
DENIED_PAUSE_S = 30.0  # Kannel takes a second to deny

Trouble = Literal["unreachable", "denied", "unreadable", "link_down"]
SENTENCES: dict[Trouble, str] = {
    "unreachable": "the status page does not answer: is bearerbox running?",
    "denied": "the status password is wrong; sending goes on without a limit on Kannel's queue",
    "unreadable": "the status page is not Kannel's; sending goes on without a limit",
    "link_down": "no link to the SMSC is online; dead means that it refused our password",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """One look at the status page: messages not yet finished, and how our links are."""

    queued: int
    links: tuple[str, ...]  # their states: online, re-connecting, connecting, dead
    is_shared: bool = False  # other links have messages of theirs among the queued

    @property
    def online(self) -> bool:
        return "online" in self.links


class StatusPage:
    """Looks at status.xml, at most once in `every_s`, and says how many more messages fit."""

    def __init__(
        self,
        *,
        provider: str,
        connections: Connections,
        url: str,
        password: str,
        smsc: str | None,
        max_queued: int,
        every_s: float,
        timeout_s: float,
    ) -> None:
        self._log = log.bind(provider=provider)
        self._connections = connections
        # Requests of its own, not a client's: a client writes the URL, password and all, to its
        # log.
        self._status, self._store = (
            httpx.Request(
                "GET",
                httpx.URL(f"{url.rstrip('/')}/{page}", params={"password": password}),
                extensions={"timeout": httpx.Timeout(timeout_s).as_dict()},
            )
            for page in ("status.xml", "store-status.xml")
        )
        self._smsc = smsc
        self._max_queued = max_queued
        self._every_s = every_s
        self._next_look = 0.0
        self._room: int | None = 0
        self._told: Trouble | None = None
        self.online: bool | None = None  # None: not known

    def handed_over(self) -> None:
        """Count a message that Kannel took since the last look."""
        if self._room is not None:
            self._room -= 1

    async def room(self) -> int | None:
        """How many more messages Kannel should be given; None when that cannot be told."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._every_s
            await self._look()
        return None if self._room is None else max(0, self._room)

    async def _look(self) -> None:
        match await self._read():
            case Depth(online=True, queued=queued):
                self._now(online=True, room=self._max_queued - queued, trouble=None)
            case Depth(links=links):
                self._now(online=False, room=0, trouble="link_down", links=links)
            case "unreachable":
                self._now(online=None, room=0, trouble="unreachable")
            case "denied":
                self._next_look += DENIED_PAUSE_S
                self._now(online=None, room=None, trouble="denied")
            case "unreadable":
                self._now(online=None, room=None, trouble="unreadable")

    def _now(
        self,
        *,
        online: bool | None,
        room: int | None,
        trouble: Trouble | None,
        links: tuple[str, ...] = (),
    ) -> None:
        """Remember what was seen; tell of a trouble when it begins and when it ends."""
        self.online, self._room = online, room
        if trouble == self._told:
            return
        if trouble is None:
            self._log.info("kannel_status_well", after=self._told)
        else:
            self._log.error(
                "kannel_status_trouble", trouble=trouble, meaning=SENTENCES[trouble], links=links
            )
        self._told = trouble

    async def _read(self) -> Depth | Trouble:
        try:
            _, body = await self._connections.exchange(self._status)
            if DENIED.match(body):
                return "denied"
            depth = parse_status(body, self._smsc)
            if depth.is_shared and 2 * depth.queued > self._max_queued:
                return await self._without_others(depth)
        except httpx.TransportError:
            return "unreachable"
        except ValueError:
            return "unreadable"
        return depth

    async def _without_others(self, depth: Depth) -> Depth:
        """Only our link's part of what is stored: another link that is stuck must not stop us.

        The list of stored messages has texts and numbers in it, so it is asked for only when the
        total leaves little room, and nothing of it is kept but the count.
        """
        _, body = await self._connections.exchange(self._store)
        if self._smsc is None or DENIED.match(body) or b"<gateway>" not in body:
            return depth
        ours = body.count(f"<smsc-id>{escape(self._smsc)}</smsc-id>".encode())
        return replace(depth, queued=min(depth.queued, ours))


def parse_status(body: bytes, smsc: str | None) -> Depth:
    """Read status.xml; `smsc` limits it to the links of that id. ValueError if it is no such page.

    `storesize` counts all that is not finished, in flight included; -1 means that there is no
    store, and then the queues are added up. The order of elements differs between builds.
    """
    # Kannel's pages declare nothing and are UTF-8; entities can be made to fill the memory.
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise ValueError("it declares a document type")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without declarations nothing expands
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from None
    if root.tag != "gateway":
        raise ValueError(f"the root is <{root.tag}>, not <gateway>")
    links = [link for link in root.iterfind("smscs/smsc") if smsc in (None, link.findtext("id"))]
    waiting = sum(_number(link.findtext("queued")) for link in links)
    waiting += _number(root.findtext("sms/sent/queued"))
    stored = _number(root.findtext("sms/storesize"))
    return Depth(
        is_shared=stored > 0 and len(links) < len(root.findall("smscs/smsc")),
        queued=max(waiting, stored),
        links=tuple((link.findtext("status") or "unknown").split()[0] for link in links),
    )


def _number(text: str | None) -> int:
    """A count; Kannel writes -1 where it has none."""
    return max(0, int(text)) if text else 0
