"""generic_http with settings of one's own, pointed at a peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers.base import Context, Receipt
from providers.generic_http import GenericHttpProvider
from tests.peers.http_service import KEY
from tests.support.peers import Peer

OK = {"when": "body.ok", "means": "accepted"}


def generic(secret: str | None = KEY, **settings: Any) -> GenericHttpProvider:
    """A provider of these settings that nobody answers."""

    async def sink(receipts: Sequence[Receipt]) -> None:
        raise AssertionError("reports come by callback")

    given = {"url": "http://127.0.0.1:9/api", "back_off_s": 0.05, **settings}
    return GenericHttpProvider("main", given, secret, Context(sink=sink))


def sending(peer: Peer, **send: Any) -> GenericHttpProvider:
    """A provider of one's own settings at this peer, which answers {"ok": true}."""
    peer.status, peer.body = 200, '{"ok": true, "ids": ["a", "b"], "parts": 2, "price": 4.98}'
    return generic(url=peer.url, send={"answers": [OK], "json": {}, **send})


def head_and_body(request: str) -> tuple[str, str]:
    head, _, body = request.partition("\r\n\r\n")
    return head, body


SIMPLE: dict[str, Any] = {"send": {"answers": [OK], "json": {}}, "dialect": "acme"}
