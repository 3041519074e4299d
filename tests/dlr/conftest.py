"""A receipt server on a free port and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from dlr.app import ReceiptApp, Record, RecordInbound
from dlr.serve import Listener
from outbox.tokens import account_token
from providers.base import (
    Acknowledgement,
    Context,
    Inbound,
    MalformedInbound,
    Provider,
    Receipt,
    ReceiptRequest,
)
from providers.fake import FakeProvider

TOKEN = "0123456789-abcdef_XYZ"


class Particular(FakeProvider):
    """A provider that wants to hear its own words, as sms.ru does."""

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(status=202, body=b"100", media_type="text/plain")


class Brings(FakeProvider):
    """A provider that brings messages from subscribers, one a call: reference, sender, text."""

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        parts = request.body.decode().split("|")
        if len(parts) != 3:
            raise MalformedInbound("The fake brings ref|sender|text.")
        return [Inbound(ref=parts[0] or None, sender=parts[1], sent_to=None, body=parts[2])]


async def _ignore(receipts: Sequence[Receipt]) -> None:
    """A sink of providers that only parse."""


async def nobody_hears(provider: str, messages: Sequence[Inbound]) -> None:
    """A record of messages from subscribers for tests of receipts."""
    raise AssertionError("a receipt was taken for a message")


def app_with(
    record: Record, *, record_inbound: RecordInbound = nobody_hears, max_waiting: int = 100
) -> ReceiptApp:
    """An app that knows the accounts `post`, `particular` and `brings` of the adapter fake."""
    context = Context(sink=_ignore)
    providers: dict[tuple[str, str], Provider] = {
        ("fake", "post"): FakeProvider("post", {}, None, context),
        ("fake", "particular"): Particular("particular", {}, None, context),
        ("fake", "brings"): Brings("brings", {}, None, context),
    }
    return ReceiptApp(
        providers=providers,
        record=record,
        record_inbound=record_inbound,
        token=TOKEN,
        max_waiting=max_waiting,
    )


@asynccontextmanager
async def client_of(app: ReceiptApp) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the app over real HTTP and call it."""
    limits = httpx.Limits(max_connections=50)
    async with (
        Listener(app.asgi, host="127.0.0.1", port=0) as listener,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, limits=limits
        ) as client,
    ):
        yield client


def path(
    message_id: object,
    *,
    code: str = "delivered",
    token: str | None = None,
    provider: str = "post",
) -> str:
    """The URL that a provider calls about a message."""
    token = token or account_token(TOKEN, provider)
    return f"/fake/{provider}/{token}/{message_id}?code={code}"
