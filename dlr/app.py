"""The ASGI app behind the receipt URLs: /{adapter}/{provider}/{token}/{message id}.

Answers: what the provider wants to hear (200) after the commit · 404 for a wrong token or an
unknown provider · 400 for what is no report · 413 for too much · 503 while the database is away or
too many wait: providers then call again.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from outbox.errors import SettingsMistake, TransientError
from providers.base import MalformedReceipt, Provider, Receipt, ReceiptRequest

log = structlog.get_logger()

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
MESSAGE_ID = re.compile(r"[0-9]{1,19}")
MAX_MESSAGE_ID = 2**63 - 1
MAX_BODY = 1 << 20  # bytes; the longest documented callback carries a hundred reports
MAX_WAITING = 5000  # callbacks waiting for a commit; Kannel alone sends up to 512 at once

Record = Callable[[str, Sequence[Receipt]], Awaitable[None]]
"""Stores the receipts of one provider and returns after the commit (`ReceiptBatcher.put`)."""


@dataclass(slots=True)
class Counters:
    """What happened since the start, for /health."""

    stored: int = 0
    waiting: int = 0
    malformed: int = 0
    wrong_token: int = 0
    unknown_provider: int = 0
    is_storing: bool = True  # the last attempt to store succeeded


class ReceiptApp:
    """Hears providers; `providers` maps (adapter, provider) to the adapter that reads its calls."""

    def __init__(
        self,
        *,
        providers: Mapping[tuple[str, str], Provider],
        record: Record,
        token: str,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        if not TOKEN.fullmatch(token):
            raise SettingsMistake(
                "OUTBOX_DLR_TOKEN is wrong: it must be at least 16 letters, digits, - or _."
            )
        self.counters = Counters()
        self._providers = providers
        self._record = record
        self._token = token.encode()
        self._max_waiting = max_waiting
        path = "/{adapter}/{provider}/{token}"
        methods = ["GET", "POST"]
        self.asgi = Starlette(
            routes=[
                Route("/health", self.health, methods=["GET"]),
                Route(path, self.receive, methods=methods),
                Route(path + "/{message_id}", self.receive, methods=methods),
            ]
        )

    async def health(self, request: Request) -> Response:
        """200 while receipts can be stored, else 503; the counters in JSON."""
        counters = self.counters
        return JSONResponse(
            {
                "status": "ok" if counters.is_storing else "not storing",
                "stored": counters.stored,
                "waiting": counters.waiting,
                "malformed": counters.malformed,
                "wrong_token": counters.wrong_token,
                "unknown_provider": counters.unknown_provider,
            },
            status_code=200 if counters.is_storing else 503,
        )

    async def receive(self, request: Request) -> Response:
        """Take one callback."""
        path = request.path_params
        if not hmac.compare_digest(path["token"].encode(), self._token):
            return self._nothing_here("wrong_token", request)
        provider = self._providers.get((path["adapter"], path["provider"]))
        if provider is None:
            return self._nothing_here("unknown_provider", request)
        body = await _read(request)
        if body is None:
            return PlainTextResponse("The body is larger than 1 MiB.", status_code=413)
        try:
            receipts = provider.parse_receipt(_understood(request, body))
        except MalformedReceipt as error:
            self.counters.malformed += 1
            log.warning("dlr_malformed", provider=provider.name, problem=str(error))
            return PlainTextResponse(str(error), status_code=400)
        return await self._store(provider, receipts)

    async def _store(self, provider: Provider, receipts: Sequence[Receipt]) -> Response:
        counters = self.counters
        if counters.waiting >= self._max_waiting:
            return _later("Too many receipts wait to be stored; call again.")
        counters.waiting += 1
        try:
            await self._record(provider.name, receipts)
        except TransientError as error:
            counters.is_storing = False
            log.warning("dlr_not_stored", provider=provider.name, problem=str(error))
            return _later("The receipt could not be stored; call again.")
        except Exception:  # still not stored, so still no 200
            counters.is_storing = False
            log.exception("dlr_not_stored", provider=provider.name)
            return _later("The receipt could not be stored; call again.")
        finally:
            counters.waiting -= 1
        counters.is_storing = True
        counters.stored += len(receipts)
        reply = provider.acknowledge()
        return Response(reply.body, status_code=reply.status, media_type=reply.media_type)

    def _nothing_here(self, why: str, request: Request) -> Response:
        """404 for all alike; counted, and told at the 1st, 2nd, 4th, 8th … time."""
        count = getattr(self.counters, why) + 1
        setattr(self.counters, why, count)
        if count & (count - 1) == 0:
            host = request.client.host if request.client else None
            log.warning(f"dlr_{why}", count=count, client=host)
        return PlainTextResponse("Not found.", status_code=404)


def _later(sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=503, headers={"Retry-After": "5"})


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is too large to be a report."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


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
