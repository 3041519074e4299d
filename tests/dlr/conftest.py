"""A receipt server on a free port and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from dlr.app import ReceiptApp, Record
from dlr.serve import Listener
from providers.base import Acknowledgement, Context, Provider, Receipt
from providers.fake import FakeProvider

TOKEN = "0123456789-abcdef_XYZ"


class Particular(FakeProvider):
    """A provider that wants to hear its own words, as sms.ru does."""

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(status=202, body=b"100", media_type="text/plain")


async def _ignore(receipts: Sequence[Receipt]) -> None:
    """A sink of providers that only parse."""


def app_with(record: Record, *, max_waiting: int = 100) -> ReceiptApp:
    """An app that knows the accounts `post` and `particular` of the adapter fake."""
    context = Context(sink=_ignore)
    providers: dict[tuple[str, str], Provider] = {
        ("fake", "post"): FakeProvider("post", {}, None, context),
        ("fake", "particular"): Particular("particular", {}, None, context),
    }
    return ReceiptApp(providers=providers, record=record, token=TOKEN, max_waiting=max_waiting)


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
    message_id: object, *, code: str = "delivered", token: str = TOKEN, provider: str = "post"
) -> str:
    """The URL that a provider calls about a message."""
    return f"/fake/{provider}/{token}/{message_id}?code={code}"
