"""A provider in this process whose delays, refusals and receipts are its settings."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

import structlog

from providers.base import (
    Accepted,
    Acknowledgement,
    Context,
    Limits,
    MalformedReceipt,
    Message,
    Peer,
    Receipt,
    ReceiptRequest,
    Rejected,
    Result,
    Retry,
    SettingsError,
    Uncertain,
    parse_settings,
    storable,
)
from providers.fake_log import open_log
from providers.fake_memory import FakeMemory
from providers.fake_settings import FakeSettings

log = structlog.get_logger()

SINK_BATCH = 1000  # receipts handed to the sink at once
LOST = "scripted loss on the way"
SINK_PAUSE_S = 0.5  # after the sink could not store them


class FakeProvider:
    """Takes messages in memory; what it took is in its log before it is answered."""

    settings_model = FakeSettings
    peers: Sequence[Peer] = ()  # it connects to nobody

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(FakeSettings, name, settings)
        self.limits = Limits(
            max_batch=self.settings.max_batch,
            answer_s=(self.settings.way_ms + self.settings.latency_ms) / 1000,
        )
        if (memory := self._memory()) is not None:
            self._remember(memory)
        if self.settings.names_messages:
            self.keys = _keys
        self._sink = context.sink
        self._random = random.Random(self.settings.seed)
        self._receipts: deque[tuple[float, Sequence[Message]]] = deque()
        self._news = asyncio.Event()
        self._reporter: asyncio.Task[None] | None = None
        self._file: int | None = None

    async def __aenter__(self) -> Self:
        if self.settings.log is not None:
            self._file = open_log(self.name, self.settings.log)
        if self.settings.receipt_delay_ms is not None:
            self._reporter = asyncio.create_task(self._report(), name=f"{self.name} receipts")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Receipts still to come are handed over at once: nobody will be there later."""
        if self._reporter is not None:
            self._reporter.cancel()
            with suppress(asyncio.CancelledError):
                await self._reporter
            await self._flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        if until is not None and time.monotonic() >= until:
            for message in batch:
                yield Retry(id=message.id, detail="no time left to submit", throttled=True)
            return
        if self.settings.way_ms:
            await asyncio.sleep(self.settings.way_ms / 1000)
        results, taken = self._decide(batch)
        self._write(taken)
        if self.settings.latency_ms:
            await asyncio.sleep(self.settings.latency_ms / 1000)
        self._expect_receipts(taken)
        for result in results:
            yield result

    async def capacity(self) -> int | None:
        return None

    def _memory(self) -> FakeMemory | None:
        """What it remembers, where it can be asked for anything."""
        settings = self.settings
        if not (settings.answers_lookups or settings.answers_polls or settings.balance is not None):
            return None
        if settings.log is None:
            raise SettingsError(f'Provider "{self.name}": to be asked it needs the setting "log".')
        return FakeMemory(
            settings.log,
            latency_s=settings.answer_ms / 1000,
            failure_rate=settings.mute_rate,
            balance=settings.balance,
            seed=settings.seed,
        )

    def _remember(self, memory: FakeMemory) -> None:
        """Be what the settings say: an ability that is off is not there at all."""
        settings = self.settings
        self.asking = settings.asking
        if settings.answers_lookups:
            self.lookup = memory.lookup
        if settings.answers_polls:
            self.poll = memory.poll
        if settings.balance is not None:
            self.balance = memory.balance

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        """Accepts `?code=…&error=…`, so that receipts can be made by hand with curl."""
        raw = storable(request.query)
        fields = {key: storable(value) for key, value in parse_qsl(raw)}
        code = fields.get("code")
        if request.message_id is None or not code:
            raise MalformedReceipt("A receipt needs a message id in its path and a code.")
        return [
            Receipt(
                message_id=request.message_id,
                ref=None,
                code=code,
                error=fields.get("error"),
                occurred_at=datetime.now(UTC),
                raw=raw,
            )
        ]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()

    def _decide(self, batch: Sequence[Message]) -> tuple[list[Result], Sequence[Message]]:
        """The answers to a batch, and those of its messages that were taken."""
        settings = self.settings
        if not (
            settings.error_rate
            or settings.reject_rate
            or settings.uncertain_rate
            or settings.lost_rate
        ):
            return [self._accepted(message) for message in batch], batch
        results: list[Result] = []
        taken: list[Message] = []
        for message in batch:
            result = self._draw(message)
            results.append(result)
            if isinstance(result, Accepted | Uncertain) and result.detail != LOST:
                taken.append(message)
        return results, taken

    def _draw(self, message: Message) -> Result:
        draw = self._random.random()
        if (draw := draw - self.settings.error_rate) < 0:
            return Retry(id=message.id, detail="scripted error")
        if (draw := draw - self.settings.reject_rate) < 0:
            return Rejected(id=message.id, detail="scripted rejection")
        if (draw := draw - self.settings.uncertain_rate) < 0:
            return Uncertain(id=message.id, detail="scripted loss of the answer")
        if draw - self.settings.lost_rate < 0:
            return Uncertain(id=message.id, detail=LOST)
        return self._accepted(message)

    def _accepted(self, message: Message) -> Accepted:
        if self.settings.receipts_by_ref:
            return Accepted(id=message.id, refs=_refs(message))
        return Accepted(id=message.id)

    def _write(self, taken: Sequence[Message]) -> None:
        """One write for the batch, in the file before any of it is answered."""
        if self._file is None or not taken:
            return
        at = datetime.now(UTC).isoformat()
        lines = "".join(f'{{"id":"{m.id}","at":"{at}"{self._named(m)}}}\n' for m in taken)
        left = memoryview(lines.encode())
        while left:
            left = left[os.write(self._file, left) :]

    def _named(self, message: Message) -> str:
        return f',"key":"{_key(message)}"' if self.settings.names_messages else ""

    def _expect_receipts(self, taken: Sequence[Message]) -> None:
        if self.settings.receipt_delay_ms is None or not taken:
            return
        due = time.monotonic() + self.settings.receipt_delay_ms / 1000
        self._receipts.append((due, taken))
        self._news.set()

    async def _report(self) -> None:
        """Hand over receipts as they fall due; the delay is one for all, so they are in order."""
        while True:
            while not self._receipts:
                self._news.clear()
                await self._news.wait()
            due, taken = self._receipts[0]
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            try:
                await self._hand_over(taken)
            except Exception as error:  # the database is away: the receipts stay first in line
                log.warning("fake_receipts_wait", provider=self.name, error=type(error).__name__)
                await asyncio.sleep(SINK_PAUSE_S)
            else:
                self._receipts.popleft()

    async def _flush(self) -> None:
        while self._receipts:
            try:
                await self._hand_over(self._receipts[0][1])
            except Exception as error:
                lost = sum(len(taken) for _, taken in self._receipts)
                log.error("fake_receipts_lost", lost=lost, error=type(error).__name__)
                return
            self._receipts.popleft()

    async def _hand_over(self, taken: Sequence[Message]) -> None:
        now = datetime.now(UTC)
        receipts = [receipt for message in taken for receipt in self._receipts_of(message, now)]
        for start in range(0, len(receipts), SINK_BATCH):
            await self._sink(receipts[start : start + SINK_BATCH])

    def _receipts_of(self, message: Message, now: datetime) -> list[Receipt]:
        failed = self._random.random() < self.settings.undelivered_rate
        code = "undelivered" if failed else "delivered"
        refs: tuple[str | None, ...] = (None,)
        if self.settings.receipts_by_ref:
            refs = _refs(message)
        elif self.settings.names_messages:
            refs = (_key(message),)
        return [
            Receipt(
                message_id=message.id if ref is None else None,
                ref=ref,
                code=code,
                error="scripted" if failed else None,
                occurred_at=now,
                raw=f"code={code}",
            )
            for ref in refs
        ]


def _key(message: Message) -> str:
    return f"{message.id}.{message.attempt}"


def _keys(batch: Sequence[Message]) -> list[str]:
    """The names of these messages; each attempt has its own."""
    return [_key(message) for message in batch]


def _refs(message: Message) -> tuple[str, ...]:
    return tuple(f"{message.id:x}-{part}" for part in range(1, message.segments + 1))
