"""The ASGI app that providers call: /{adapter}/{provider}/{token}/{message id} with a receipt,
…/{token}/inbound with a message from a subscriber. A provider that knows one URL for everything
calls …/{token}. Each account has a token of its own (`outbox.tokens`). Beside them, /l/{code} leads
on subscribers (`dlr.links`).

Answers: what the provider wants to hear (200) after the commit · 404 for a wrong token or an
unknown provider · 400 for what is no report · 413 for too much · 503 while the database is away or
too many wait: providers then call again. Neither a text nor a whole number gets into the log.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeVar, cast

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dlr.bodies import MAX_BODY, MAX_FIELDS, Bodies, later
from dlr.links import Follow, Links
from outbox.errors import SettingsMistake, TransientError
from outbox.tokens import Tokens
from providers.base import (
    Acknowledgement,
    BringsInbound,
    Inbound,
    MalformedInbound,
    MalformedReceipt,
    Provider,
    ProviderError,
    Receipt,
    ReceiptRequest,
    SharesUrl,
)

log = structlog.get_logger()

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
MESSAGE_ID = re.compile(r"[0-9]{1,19}")
MAX_MESSAGE_ID = 2**63 - 1
MAX_WAITING = 5000  # callbacks waiting for a commit; Kannel alone sends up to 512 at once

Item = TypeVar("Item")

Record = Callable[[str, Sequence[Receipt]], Awaitable[None]]
"""Stores the receipts of one provider and returns after the commit (`ReceiptBatcher.put`)."""

RecordInbound = Callable[[str, Sequence[Inbound]], Awaitable[None]]
"""The same for messages from subscribers (`InboundBatcher.put`)."""


@dataclass(slots=True)
class Counters:
    """What happened since the start, for /metrics."""

    stored: int = 0
    inbound: int = 0
    waiting: int = 0
    malformed: int = 0
    wrong_token: int = 0
    unknown_provider: int = 0
    is_storing: bool = True  # the last attempt to store succeeded


class _Calls(Route):
    """A route of callbacks: GET and POST. Starlette answers HEAD as GET, which would store."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        super().__init__(path, endpoint, methods=["GET", "POST"])
        assert self.methods is not None
        self.methods.discard("HEAD")


async def _leads_nowhere(code: str, user_agent: str, is_counted: bool) -> None:
    """Where nobody keeps short links."""


class ReceiptApp:
    """Hears providers; `providers` maps (adapter, provider) to the adapter that reads its calls."""

    def __init__(
        self,
        *,
        providers: Mapping[tuple[str, str], Provider],
        record: Record,
        record_inbound: RecordInbound,
        token: str,
        shared_until: datetime | None = None,
        follow: Follow = _leads_nowhere,
        max_waiting: int = MAX_WAITING,
        max_body: int = MAX_BODY,
        max_fields: int = MAX_FIELDS,
    ) -> None:
        if not TOKEN.fullmatch(token):
            raise SettingsMistake(
                "OUTBOX_DLR_TOKEN is wrong: it must be at least 16 letters, digits, - or _."
            )
        self.counters = Counters()
        self.links = Links(follow)
        self._providers = providers
        self._record = record
        self._record_inbound = record_inbound
        self._tokens = Tokens(token, shared_until=shared_until)
        self._max_waiting = max_waiting
        self._bodies = Bodies(max_body=max_body, max_fields=max_fields)
        path = "/{adapter}/{provider}/{token}"
        self.asgi = Starlette(
            routes=[
                Route("/health", self.health, methods=["GET"]),
                self.links.route,
                _Calls(path, self.receive),
                _Calls(path + "/inbound", self.hear),
                _Calls(path + "/{message_id}", self.receive),
            ]
        )
        # A slash too many would be led to wherever the caller's Host header says.
        self.asgi.router.redirect_slashes = False

    async def health(self, request: Request) -> Response:
        """200 while receipts can be stored, else 503; no more, for strangers may ask."""
        is_storing = self.counters.is_storing
        status = "ok" if is_storing else "not storing"
        return JSONResponse({"status": status}, status_code=200 if is_storing else 503)

    async def receive(self, request: Request) -> Response:
        """Take one callback with receipts, or whatever a provider brings that knows one URL."""
        provider = self._called(request)
        if isinstance(provider, Response):
            return provider
        request.state.is_known = True  # the last to be sent away when it gets full
        body = await self._bodies.read(request)
        if isinstance(body, Response):
            return body
        try:
            understood = _understood(request, body)
            shared = _shares_url(provider)
            if shared is not None and shared.is_inbound(understood):
                return await self._store_heard(provider, shared.parse_inbound, understood)
            receipts = provider.parse_receipt(understood)
        except MalformedReceipt as error:
            return self._malformed(provider, error)
        if trouble := await self._trouble(provider, self._record, receipts):
            return trouble
        self.counters.stored += len(receipts)
        return _answer(provider.acknowledge())

    async def hear(self, request: Request) -> Response:
        """Take one callback with messages from subscribers."""
        provider = self._called(request)
        if isinstance(provider, Response):
            return provider
        if not isinstance(provider, BringsInbound):
            return self._nothing_here("unknown_provider", request)
        request.state.is_known = True
        body = await self._bodies.read(request)
        if isinstance(body, Response):
            return body
        return await self._store_heard(provider, provider.parse_inbound, _understood(request, body))

    async def _store_heard(
        self,
        provider: Provider,
        parse_inbound: Callable[[ReceiptRequest], list[Inbound]],
        understood: ReceiptRequest,
    ) -> Response:
        """Store what subscribers wrote; no text answers it, or Kannel would send that text to the
        subscriber."""
        try:
            messages = parse_inbound(understood)
        except MalformedInbound as error:
            return self._malformed(provider, error)
        if trouble := await self._trouble(provider, self._record_inbound, messages):
            return trouble
        self.counters.inbound += len(messages)
        return _answer(Acknowledgement())

    def _called(self, request: Request) -> Provider | Response:
        """The account that the URL names, or the answer to who does not know it."""
        path = request.path_params
        if not self._tokens.open(path["provider"], path["token"]):
            return self._nothing_here("wrong_token", request)
        provider = self._providers.get((path["adapter"], path["provider"]))
        if provider is None:
            return self._nothing_here("unknown_provider", request)
        self._tokens.note(provider.name, path["token"])
        return provider

    async def _trouble(
        self,
        provider: Provider,
        record: Callable[[str, Sequence[Item]], Awaitable[None]],
        items: Sequence[Item],
    ) -> Response | None:
        """Store and wait for the commit; None after it, else the answer that asks to call again."""
        counters = self.counters
        if counters.waiting >= self._max_waiting:
            return later("Too many wait to be stored; call again.")
        counters.waiting += 1
        try:
            await record(provider.name, items)
        except TransientError as error:
            counters.is_storing = False
            log.warning("dlr_not_stored", provider=provider.name, problem=str(error))
            return later("It could not be stored; call again.")
        except Exception:  # still not stored, so still no 200
            counters.is_storing = False
            log.exception("dlr_not_stored", provider=provider.name)
            return later("It could not be stored; call again.")
        finally:
            counters.waiting -= 1
        counters.is_storing = True
        return None

    def _malformed(self, provider: Provider, error: ProviderError) -> Response:
        self.counters.malformed += 1
        log.warning("dlr_malformed", provider=provider.name, problem=str(error))
        return PlainTextResponse(str(error), status_code=400)

    def _nothing_here(self, why: str, request: Request) -> Response:
        """404 for all alike; counted, and told at the 1st, 2nd, 4th, 8th … time."""
        count = getattr(self.counters, why) + 1
        setattr(self.counters, why, count)
        if count & (count - 1) == 0:
            host = request.client.host if request.client else None
            log.warning(f"dlr_{why}", count=count, client=host)
        return PlainTextResponse("Not found.", status_code=404)


def _shares_url(provider: Provider) -> SharesUrl | None:
    return cast(SharesUrl, provider) if _knows_one_url(type(provider)) else None


@cache
def _knows_one_url(kind: type[Provider]) -> bool:
    """Once for each adapter: the look through a protocol cost a seventh of a whole callback."""
    return issubclass(kind, SharesUrl)


def _answer(reply: Acknowledgement) -> Response:
    return Response(reply.body, status_code=reply.status, media_type=reply.media_type)


def _understood(request: Request, body: bytes) -> ReceiptRequest:
    """The callback as adapters see it; MalformedReceipt when its message id is none."""
    message_id: int | None = None
    if (text := request.path_params.get("message_id")) is not None:
        if not MESSAGE_ID.fullmatch(text) or int(text) > MAX_MESSAGE_ID:
            raise MalformedReceipt("The path ends in something that is no message id.")
        message_id = int(text)
    return ReceiptRequest(
        method=request.method,
        message_id=message_id,
        query=request.scope["query_string"],
        headers=request.headers,
        body=body,
    )
