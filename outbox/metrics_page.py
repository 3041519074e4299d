"""The page that Prometheus reads: made at most twice a second, however often it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope, Send

from outbox.doors.limits import Limits
from outbox.doors.listener import Listener, listening_socket
from outbox.errors import SettingsMistake

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FRESH_S = 0.5
# A few scrapers and a curious person. Strangers may not cost the sender its descriptors.
LIMITS = Limits(
    connections=32, per_address=16, head_s=5, body_s=5, idle_s=120, unread_s=10, body_bytes=4096
)


class Page:
    """An ASGI app that answers every GET with the values of `collect`."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect
        self._made: dict[str, tuple[float, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_asked = scope["method"] in ("GET", "HEAD")
        kind, body = self._text(_accept(scope)) if is_asked else ("text/plain", b"GET it.\n")
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            *([] if is_asked else [(b"allow", b"GET")]),
        ]
        status = 200 if is_asked else 405
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _text(self, accept: str) -> tuple[str, bytes]:
        encode, kind = choose_encoder(accept)
        made_at, body = self._made.get(kind, (-FRESH_S, b""))
        if time.monotonic() - made_at >= FRESH_S:
            body = encode(self)
            self._made = {kind: (time.monotonic(), body)}
        return kind, body

    def collect(self) -> Iterator[Metric]:
        """What the encoder asks for."""
        yield from self._collect()


def as_text(registry: CollectorRegistry) -> str:
    """The plain text format."""
    encode, _ = choose_encoder("")
    return encode(registry).decode()


def listener(page: Page, *, host: str, port: int) -> Listener:
    """A listener for it; SettingsMistake where it cannot listen."""
    try:
        server = listening_socket(host, port)
    except OSError as error:
        raise SettingsMistake(
            f"OUTBOX_METRICS_HOST or OUTBOX_METRICS_PORT is wrong: cannot listen on "
            f"{host}:{port} ({error.strerror or error})."
        ) from None
    return Listener(page, server, LIMITS, name="metrics")


def _accept(scope: Scope) -> str:
    return b",".join(value for name, value in scope["headers"] if name == b"accept").decode(
        "latin-1"
    )
