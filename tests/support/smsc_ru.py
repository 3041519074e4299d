"""A provider of smsc.ru beside its peer."""

from __future__ import annotations

from collections.abc import Sequence

from providers.base import Context, Receipt
from providers.smsc_ru import SmscRuProvider
from tests.peers.smsc_ru import SmscRuPeer

CALLBACK_ENV = "SMSC_RU_CALLBACK_FOR_TESTS"


def settings_for(peer: SmscRuPeer, **changes: object) -> dict[str, object]:
    """Settings of an account at the peer; trouble is short there."""
    return {
        "url": peer.url,
        "backup_url": None,
        "timeout_s": 3,
        "back_off_s": 0.05,
        "minute_s": peer.terms.minute_s,
    } | changes


def provider_for(peer: SmscRuPeer, *, key: str | None = None, **changes: object) -> SmscRuProvider:
    """A provider that sends to the peer."""

    async def sink(receipts: Sequence[Receipt]) -> None:
        raise AssertionError("smsc.ru calls the receipt server")

    return SmscRuProvider(
        "smsc", settings_for(peer, **changes), key or peer.terms.key, Context(sink=sink)
    )
