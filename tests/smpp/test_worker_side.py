"""What the worker gives an SMPP provider to hand its news to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from outbox.errors import TransientError
from outbox.receipts import InboundBatcher, ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import load
from providers.base import Inbound, NotStored, Receipt
from providers.smpp import SmppProvider
from worker.roster import make_provider

ROW = ProviderRow(
    provider="main",
    adapter="smpp",
    settings={"addresses": "127.0.0.1:1", "system_id": "outbox"},
    secret_env=None,
    tps=1,
    max_batch=1,
    is_enabled=True,
    lanes=0,
)
RECEIPT = Receipt(message_id=None, ref="1", code="DELIVRD", error=None, occurred_at=None, raw="")
MESSAGE = Inbound(ref=None, sender="+79070000001", sent_to=None, body="STOP")


def made(error: Exception | None, kept: list[Any]) -> SmppProvider:
    async def record(provider: str, items: Sequence[Any]) -> None:
        if error is not None:
            raise error
        kept.extend((provider, item) for item in items)

    provider = make_provider(
        ROW,
        settings=load(),
        receipts=ReceiptBatcher(record),
        inbound=InboundBatcher(record),
    )
    assert isinstance(provider, SmppProvider)
    return provider


async def test_both_sinks_lead_to_the_database() -> None:
    kept: list[Any] = []
    context = made(None, kept)._context
    assert context.inbound_sink is not None
    await context.sink([RECEIPT])
    await context.inbound_sink([MESSAGE])
    assert kept == [("main", RECEIPT), ("main", MESSAGE)]


async def test_an_outage_is_told_as_one_and_a_mistake_as_it_is() -> None:
    for error, kind in ((TransientError("away"), NotStored), (ValueError("wrong"), ValueError)):
        context = made(error, [])._context
        assert context.inbound_sink is not None
        with pytest.raises(kind):
            await context.sink([RECEIPT])
        with pytest.raises(kind):
            await context.inbound_sink([MESSAGE])
