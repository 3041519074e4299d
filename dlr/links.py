"""Short links: GET /l/{code} leads a subscriber on to where the link of a message led.

Answers: 302 after the click is stored · 404 for a code that leads nowhere, or no longer · 503 while
the database is away or too many wait. HEAD is led on and not counted. What strangers call may not
keep receipts waiting, so few are let in at once. Neither a code nor an address gets into the log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from outbox.doors.hall import Seldom
from outbox.errors import OutboxError

log = structlog.get_logger()

CODE = re.compile(r"[0-9A-Za-z]{9}")
MAX_WAITING = 200
MAX_USER_AGENT = 300  # characters looked at
HEADERS = {  # every opening is to be seen here, and the page led to need not know from where
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}

Follow = Callable[[str, str, bool], Awaitable[str | None]]
"""Where a code leads, told what the caller calls itself and whether it counts as a click; None
where it leads nowhere. Returns after the commit (`calls.follow_link`)."""


@dataclass(slots=True)
class LinkCounters:
    """What happened since the start, for /metrics."""

    led: int = 0
    unknown: int = 0
    waiting: int = 0


class Links:
    """Leads on whoever opens a short link."""

    def __init__(self, follow: Follow, *, max_waiting: int = MAX_WAITING) -> None:
        self.counters = LinkCounters()
        # All below /l/, or a slash too many would be led to wherever the caller's Host header says.
        self.route = Route("/l/{code:path}", self.lead, methods=["GET"])  # and HEAD, by Starlette
        self._follow = follow
        self._max_waiting = max_waiting
        self._may_complain = Seldom(time.monotonic)

    async def lead(self, request: Request) -> Response:
        """Answer one opening."""
        code = request.path_params["code"].removesuffix("/")
        if not CODE.fullmatch(code):
            return self._unknown()
        counters = self.counters
        if counters.waiting >= self._max_waiting:
            return _later()
        counters.waiting += 1
        try:
            agent = request.headers.get("user-agent", "")[:MAX_USER_AGENT].replace("\0", "")
            url = await self._follow(code, agent, request.method != "HEAD")
        except OutboxError as error:
            if self._may_complain():  # strangers may call as often as they like
                log.warning("link_not_led", problem=str(error))
            return _later()
        finally:
            counters.waiting -= 1
        location = None if url is None else _location(url)
        if location is None:
            return self._unknown()
        counters.led += 1
        return Response(status_code=302, headers={"Location": location, **HEADERS})

    def _unknown(self) -> Response:
        """Counted, and told at the 1st, 2nd, 4th, 8th … time: somebody may be trying codes."""
        self.counters.unknown += 1
        count = self.counters.unknown
        if count & (count - 1) == 0:
            log.warning("link_unknown", count=count)
        return PlainTextResponse(
            "Ссылка не найдена или больше не действует.", status_code=404, headers=HEADERS
        )


def _later() -> Response:
    return PlainTextResponse(
        "Ссылка временно недоступна, попробуйте через минуту.",
        status_code=503,
        headers={"Retry-After": "30", **HEADERS},
    )


def _location(url: str) -> str | None:
    """The link as a header may hold it (RFC 9110, 10.2.2; RFC 3987 where it is Cyrillic)."""
    try:
        return str(httpx.URL(url))
    except (httpx.InvalidURL, ValueError):
        return None
