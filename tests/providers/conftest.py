"""The far side of each adapter, so that one suite can run them all through the same moments."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from providers import registry
from providers.base import Context, Message, Provider, Receipt
from providers.fake import FakeProvider
from tests.support.kannel_lab import Lab, kannel_lab
from tests.support.messages import FIRST_ID, message
from tests.support.peers import http_peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter on paper: settings that are right, and one that makes them wrong."""

    name: str
    settings: dict[str, object]
    wrong: tuple[str, object]

    def make(self, settings: dict[str, object] | None = None) -> Provider:
        """A provider that is never opened."""

        async def sink(receipts: Sequence[Receipt]) -> None:
            raise AssertionError("nobody sent anything")

        return registry.build(
            provider="main",
            adapter=self.name,
            settings=self.settings if settings is None else settings,
            secret="s3cret",
            context=Context(sink=sink),
        )


ADAPTERS = (
    Adapter(name="fake", settings={}, wrong=("latency_ms", -1)),
    Adapter(
        name="kannel",
        settings={"url": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "outbox"},
        wrong=("parallel", 0),
    ),
)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Each adapter in turn, on paper."""
    given: Adapter = request.param
    return given


class FarSide(Protocol):
    """One adapter's provider in each of its moods, its own record and the receipts heard."""

    adapter: str
    receipts: list[Receipt]

    def healthy(self) -> Provider: ...
    async def refusing_for_now(self) -> Provider: ...
    async def losing_answers(self) -> Provider: ...
    def unacceptable(self) -> tuple[Provider, Message]: ...
    def taken(self) -> list[int]: ...


class FakeSide:
    adapter = "fake"

    def __init__(self, folder: Path) -> None:
        self.receipts: list[Receipt] = []
        self._log = folder / "taken.jsonl"

    def healthy(self) -> Provider:
        return self._provider()

    async def refusing_for_now(self) -> Provider:
        return self._provider(error_rate=1)

    async def losing_answers(self) -> Provider:
        return self._provider(uncertain_rate=1)

    def unacceptable(self) -> tuple[Provider, Message]:
        return self._provider(reject_rate=1), message(1)

    def taken(self) -> list[int]:
        if not self._log.exists():
            return []
        return [int(json.loads(line)["id"]) for line in self._log.read_text().splitlines()]

    def _provider(self, **settings: Any) -> Provider:
        async def sink(receipts: Sequence[Receipt]) -> None:
            self.receipts.extend(receipts)

        given = {"log": str(self._log), "receipt_delay_ms": 20, **settings}
        return FakeProvider("fake_main", given, None, Context(sink=sink))


class KannelSide:
    adapter = "kannel"

    def __init__(self, lab: Lab, silent_url: str) -> None:
        self._lab = lab
        self._silent_url = silent_url
        self.receipts = lab.receipts

    def healthy(self) -> Provider:
        return self._lab.provider()

    async def refusing_for_now(self) -> Provider:
        self._lab.boxes.stop_smsbox()
        return self._lab.provider()

    async def losing_answers(self) -> Provider:
        return self._lab.provider(url=self._silent_url, timeout_s=1.5)

    def unacceptable(self) -> tuple[Provider, Message]:
        return self._lab.provider(), message(1, sender_id="БАНК")

    def taken(self) -> list[int]:
        return [FIRST_ID + number % 10_000 for number in self._lab.texts()]


@asynccontextmanager
async def _kannel_side() -> AsyncIterator[FarSide]:
    async with kannel_lab() as lab, lab.listening(), http_peer() as silent:
        silent.status = None
        yield KannelSide(lab, silent.url)


@pytest.fixture(params=["fake", pytest.param("kannel", marks=pytest.mark.kannel)])
async def far_side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FarSide]:
    """Each adapter in turn, with a real far side."""
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield FakeSide(tmp_path)
        else:
            yield await stack.enter_async_context(_kannel_side())


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A real Kannel of one's own."""
    async with kannel_lab() as lab:
        yield lab
