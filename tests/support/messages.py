"""Messages for adapter tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from outbox.text import encode
from providers.base import Message, Provider, Result

FIRST_ID = 1 << 53  # ids are beyond what a double, and so JSON's number, holds


def message(number: int = 1, body: str = "Платёж зачислен", **changes: Any) -> Message:
    """The message of this number; its msisdn ends in the number's digits."""
    text = encode(body)
    values: dict[str, Any] = {
        "id": FIRST_ID + number,
        "msisdn": 79_070_000_000 + number,
        "sender_id": "BANK",
        "body": body,
        "attempt": 1,
        "priority": 1,
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "segments": text.segments,
        "encoding": text.encoding,
    }
    return Message(**values | changes)


async def send_all(
    provider: Provider, batch: list[Message], until: float | None = None
) -> list[Result]:
    """Every result of a batch, in the order of the messages."""
    results = {result.id: result async for result in provider.send(batch, until=until)}
    return [results[one.id] for one in batch if one.id in results]
