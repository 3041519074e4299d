"""A subscriber who writes, and how the database hears it."""

from __future__ import annotations

from psycopg import AsyncConnection

from outbox import calls
from outbox.rows import Heard
from providers.base import Inbound
from tests.support import factory


def said(body: str, *, n: int = 1, ref: str | None = None) -> Inbound:
    """What the n-th subscriber wrote to our number."""
    return Inbound(ref=ref, sender=f"+{factory.number(n)}", sent_to="+79430000000", body=body)


async def hear(conn: AsyncConnection, *messages: Inbound) -> Heard:
    """Record messages as the receipt server does."""
    return await calls.record_inbound(conn, provider=factory.PROVIDER, messages=messages)
