"""What the in-process provider tells when it is asked: its log is all it remembers."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from providers.base import Awaiting, Balance, Doubtful, Found, Receipt, SendError


class FakeMemory:
    """Answers look-ups, polls and questions about money; the log is read anew each time."""

    def __init__(
        self,
        log: str,
        *,
        latency_s: float,
        failure_rate: float,
        balance: Decimal | None,
        seed: int | None,
    ) -> None:
        self._log = Path(log)
        self._latency_s = latency_s
        self._failure_rate = failure_rate
        self._balance = balance
        self._random = random.Random(seed)

    async def lookup(self, doubtful: Sequence[Doubtful]) -> Sequence[Found]:
        """Present is what the log holds, by its name where it was given one."""
        await self._think()
        taken = self._taken()
        return [
            Found(id=one.id, verdict="present" if (one.ref or str(one.id)) in taken else "absent")
            for one in doubtful
        ]

    async def poll(self, waiting: Sequence[Awaiting]) -> Sequence[Receipt]:
        """Everything taken was delivered."""
        await self._think()
        taken = self._taken()
        return [
            Receipt(
                message_id=one.id,
                ref=one.ref,
                code="delivered",
                error=None,
                occurred_at=datetime.now(UTC),
                raw="polled",
            )
            for one in waiting
            if (one.ref or str(one.id)) in taken
        ]

    async def balance(self) -> Balance:
        """What the settings say is left."""
        await self._think()
        assert self._balance is not None
        return Balance(amount=self._balance)

    async def _think(self) -> None:
        await asyncio.sleep(self._latency_s)
        if self._random.random() < self._failure_rate:
            raise SendError("scripted failure of a question")

    def _taken(self) -> set[str]:
        """Names, or ids where there are none, of all that was taken."""
        if not self._log.exists():
            return set()
        lines = map(json.loads, self._log.read_text(encoding="utf-8").splitlines())
        return {line.get("key") or line["id"] for line in lines}
