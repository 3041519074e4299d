"""What the author of an adapter supplies: the provider's side, in each of its moods."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import pytest_asyncio

from outbox.text import encode
from providers import registry
from providers.base import (
    Context,
    Inbound,
    Message,
    NotStored,
    NotSubmitted,
    Provider,
    Receipt,
    ReceiptRequest,
    Result,
    Retry,
    Uncertain,
)

FIRST_ID = 1 << 53  # ids are beyond what a double, and so JSON's number, holds
PATIENCE_S = 20.0
Report = Literal["delivered", "undelivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One message in the provider's own books; `name` is what the provider calls it."""

    msisdn: int
    body: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """An adapter as its row describes it, with nobody there."""

    adapter: str  # its name in the entry-point group sms.providers
    settings: Mapping[str, object]  # right ones
    wrong: tuple[str, object]  # a setting and a value that makes it wrong
    codes: Mapping[str, str | None]  # code → our state (None: progress), as in sms.receipt_code
    secret: str | None = "s3cret"

    def make(self, **settings: object) -> Provider:
        """The provider that the registry makes of these settings and some changes."""
        return registry.build(
            provider="main",
            adapter=self.adapter,
            settings={**self.settings, **settings},
            secret=self.secret,
            context=Context(sink=_nobody_sent),
        )


async def _nobody_sent(receipts: Sequence[Receipt]) -> None:
    raise AssertionError("a provider that was never opened has receipts")


class FarSide(ABC):
    """A provider's peer, and adapters pointed at it.

    `None` from one of the optional methods means "this provider has no such thing" and skips the
    cases about it. A method that returns a provider may change the peer, the settings, or both.
    """

    longest: int | None = None  # characters that the provider takes; None: 1,000 at least
    receipts: list[Receipt]  # all that came through the sink or the callbacks' door
    redelivers: bool = False  # an in-process report that was not stored comes again
    is_deaf: bool = False  # whether `hear` cannot store what it is given
    unheard: int = 0  # receipts that `hear` could not store

    @abstractmethod
    def provider(self, **settings: Any) -> Provider:
        """The adapter, not opened yet, pointed at a peer that is well."""

    @abstractmethod
    def taken(self) -> Sequence[Taken]:
        """What the provider has taken so far, by its own books."""

    @abstractmethod
    def unacceptable(self) -> tuple[Provider, Message]:
        """A message that is refused for good, and who refuses it."""

    @abstractmethod
    async def silent(self) -> Provider | None:
        """A peer that is given messages and never answers."""

    def partly_unacceptable(self) -> tuple[Provider, Sequence[Message]]:
        """A batch of which some are refused for good and the others taken."""
        provider, bad = self.unacceptable()
        return provider, [message(11), bad, message(12)]

    async def busy(self) -> Provider | None:
        """A peer that takes nothing for now and says so (throttling, queue full)."""
        return None

    async def away(self) -> Provider | None:
        """A peer that cannot be reached at all."""
        return None

    async def garbled(self) -> Provider | None:
        """A peer whose answers make no sense."""
        return None

    async def well_again(self) -> None:
        """End the mood that the last of these methods brought about."""
        return None

    async def hear(self, receipts: Sequence[Receipt]) -> None:
        """A sink for the Context of an adapter whose receipts come in-process."""
        if self.is_deaf:
            self.unheard += len(receipts)
            raise NotStored("The database is away.")
        self.receipts.extend(receipts)

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        """The callback with this report; None where receipts come in-process, to the sink."""
        return None

    async def reports(self, report: Report, taken: Taken) -> bool:
        """Let the peer report in-process; False where it does so by itself, or never."""
        return False

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        """Callbacks that somebody else made of a real one; none where nothing is signed."""
        return ()

    def brings(self) -> tuple[ReceiptRequest, Inbound] | None:
        """A callback with a subscriber's message, and that message."""
        return None


class Cases:
    """Base of the groups of cases; an adapter's author writes `paper` and `open_far_side`."""

    pytestmark = pytest.mark.asyncio  # also where pytest-asyncio is in its strict mode
    paper: ClassVar[Paper]

    def open_far_side(self, folder: Path) -> AbstractAsyncContextManager[FarSide]:
        """A far side for one case, in a folder of its own."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def far_side(self, tmp_path: Path) -> Any:
        """The far side of this case."""
        async with self.open_far_side(tmp_path) as side:
            yield side


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
    provider: Provider, batch: Sequence[Message], until: float | None = None
) -> list[Result]:
    """Every result of a batch in the order of its messages, as a worker sees them.

    After NotSubmitted all without a result are retried; otherwise they are uncertain.
    """
    results: dict[int, Result] = {}
    strays: list[Result] = []
    wanted = {one.id for one in batch}
    missing: Callable[[int], Result] = _unanswered
    try:
        async with aclosing(provider.send(batch, until=until)) as given:  # type: ignore[type-var]
            async for result in given:
                if result.id in results or result.id not in wanted:
                    strays.append(result)
                results[result.id] = result
    except NotSubmitted as error:
        missing = _retried(error)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        missing = lambda id_: Uncertain(id=id_, detail=text)  # noqa: E731
    assert not strays, f"a second result for a message, or one for another batch: {strays}"
    return [results.get(one.id) or missing(one.id) for one in batch]


def _unanswered(id_: int) -> Result:
    return Uncertain(id=id_, detail="no result")


def _retried(error: NotSubmitted) -> Callable[[int], Result]:
    return lambda id_: Retry(
        id=id_, detail=str(error), after=error.after, throttled=error.throttled
    )


def callback(
    query: bytes = b"",
    *,
    method: str = "GET",
    message_id: int | None = None,
    body: bytes = b"",
    **headers: str,
) -> ReceiptRequest:
    """A callback; a header's name is written with _ for -."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return ReceiptRequest(
        method=method, message_id=message_id, query=query, headers=named, body=body
    )


async def eventually(happened: Callable[[], object]) -> None:
    """Return as soon as `happened()` is true; TimeoutError when it never is."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.02)


def needed(value: Any, what: str) -> Any:
    """The value, or a skipped case where the provider has no such thing."""
    if value is None:
        pytest.skip(f"not with this provider: {what}")
    return value
