"""Many receipts to a commit: what arrives while one commit is under way goes out in the next.

The same for messages from subscribers, which come in the same way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from outbox.errors import TransientError


class Receipt(Protocol):
    """One delivery report as received: `providers.base.Receipt`, seen from below."""

    @property
    def message_id(self) -> int | None: ...
    @property
    def ref(self) -> str | None: ...
    @property
    def code(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    @property
    def occurred_at(self) -> datetime | None: ...
    @property
    def raw(self) -> str: ...


class Inbound(Protocol):
    """One message from a subscriber: `providers.base.Inbound`, seen from below."""

    @property
    def ref(self) -> str | None: ...
    @property
    def sender(self) -> str: ...
    @property
    def sent_to(self) -> str | None: ...
    @property
    def body(self) -> str: ...


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery(Generic[Item]):
    items: Sequence[Item]
    done: asyncio.Future[None]


class Batcher(Generic[Item]):
    """Collects items of all callers, one commit at a time for each provider.

    `record` stores the items of one provider and returns after the commit. There is no timer: a
    lone item is stored at once, a crowd shares a commit.
    """

    def __init__(
        self, record: Callable[[str, Sequence[Item]], Awaitable[object]], *, max_batch: int = 1000
    ) -> None:
        self._record = record
        self._max_batch = max_batch
        self._waiting: dict[str, deque[_Delivery[Item]]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def put(self, provider: str, items: Sequence[Item]) -> None:
        """Return after these items are committed; raise what storing them raised."""
        if not items:
            return
        delivery = _Delivery(items=items, done=asyncio.get_running_loop().create_future())
        self._waiting.setdefault(provider, deque()).append(delivery)
        if provider not in self._writers:
            self._writers[provider] = asyncio.create_task(
                self._write_all(provider), name=f"{provider} commit"
            )
        # A caller that goes away (a closed HTTP connection) must not undo the others' commit.
        await asyncio.shield(delivery.done)

    async def close(self) -> None:
        """Wait until everything taken so far is stored or has failed."""
        await asyncio.gather(*self._writers.values(), return_exceptions=True)

    async def _write_all(self, provider: str) -> None:
        waiting = self._waiting[provider]
        try:
            while waiting:
                await self._write(provider, self._take(waiting))
        finally:
            del self._writers[provider]
            for delivery in waiting:  # only when this task is cancelled
                delivery.done.cancel()
            waiting.clear()

    def _take(self, waiting: deque[_Delivery[Item]]) -> list[_Delivery[Item]]:
        taken = [waiting.popleft()]
        size = len(taken[0].items)
        while waiting and size + len(waiting[0].items) <= self._max_batch:
            taken.append(waiting.popleft())
            size += len(taken[-1].items)
        return taken

    async def _write(self, provider: str, batch: list[_Delivery[Item]]) -> None:
        try:
            await self._record(provider, [item for delivery in batch for item in delivery.items])
        except TransientError as error:
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                return _fail(batch, error)
            # One unstorable item must not take its neighbours along.
            for delivery in batch:
                await self._write(provider, [delivery])
        except BaseException:
            for delivery in batch:
                delivery.done.cancel()
            raise
        else:
            for delivery in batch:
                _set(delivery.done, None)


def _fail(batch: list[_Delivery[Item]], error: Exception) -> None:
    for delivery in batch:
        _set(delivery.done, error)


def _set(done: asyncio.Future[Any], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # a caller that went away leaves nobody to read it


ReceiptBatcher = Batcher[Receipt]
InboundBatcher = Batcher[Inbound]
