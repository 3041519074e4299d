"""A worker inside the test's own process, and doubles for its unit tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from psycopg import AsyncConnection

from outbox import calls
from outbox.rows import Claim, Results
from outbox.settings import Settings, load
from providers.base import Accepted, Limits, Message, Result
from tests.support import factory
from worker.main import Stop, Worker, open_worker

PATIENCE_S = 20.0


@pytest.fixture
def settings(dsn: str) -> Settings:
    """A worker that would sleep for minutes were it not for the bell."""
    return load(dsn=dsn, poll_s=60, worker_name="a test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A worker under way: ask `stop`, look at `task`."""

    worker: Worker
    stop: Stop
    task: asyncio.Task[None]


Run = Callable[[Settings], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a worker until the block ends, then stop it well."""
    stop = Stop()
    async with open_worker(settings) as worker:
        task = asyncio.create_task(worker.run(stop), name="worker")
        try:
            yield Running(worker=worker, stop=stop, task=task)
        finally:
            if not stop.asked.is_set():
                stop.ask()
            async with asyncio.timeout(PATIENCE_S):
                await task


@dataclass(frozen=True, slots=True, kw_only=True)
class Fake:
    """The provider `post` and what it was given, in its own words."""

    conn: AsyncConnection
    log: Path

    async def change(self, **settings: Any) -> None:
        await calls.set_provider(self.conn, provider=factory.PROVIDER, settings=settings)

    async def pace(self, tps: float) -> None:
        await calls.set_provider(self.conn, provider=factory.PROVIDER, tps=tps)

    def sent(self) -> list[int]:
        """Ids it was given, in order, repeated when given twice."""
        if not self.log.exists():
            return []
        return [int(json.loads(line)["id"]) for line in self.log.read_text().splitlines()]


@pytest.fixture
async def fake(conn: AsyncConnection, tmp_path: Path) -> Fake:
    """A fast fake provider that every lane leads to, and no rule that could hold a message."""
    log = tmp_path / "sent.jsonl"
    await factory.make_provider(conn, settings={"log": str(log)}, tps=1_000_000, max_batch=1000)
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    return Fake(conn=conn, log=log)


async def insert(
    conn: AsyncConnection, count: int, *, channel: str = "mass", first: int = 0
) -> None:
    """So many messages to different numbers, due now."""
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body)
        select %(channel)s, (79070000000 + g)::text, 'text ' || g
          from generate_series(%(first)s::bigint, %(last)s::bigint) as g
        """,
        {"channel": channel, "first": first, "last": first + count - 1},
    )


async def states(conn: AsyncConnection) -> dict[str, int]:
    """How many messages are in each state."""
    rows = await factory.rows(
        conn, "select m.state, count(*) as n from sms.message as m group by m.state"
    )
    return {row["state"]: row["n"] for row in rows}


async def until(
    conn: AsyncConnection, expected: dict[str, int], *, patience_s: float = PATIENCE_S
) -> None:
    """Wait until the messages are in exactly these states."""
    seen: dict[str, int] = {}

    async def reached() -> bool:
        nonlocal seen
        seen = await states(conn)
        return seen == expected

    try:
        await eventually(reached, patience_s=patience_s)
    except TimeoutError:
        raise AssertionError(f"states are {seen}, not {expected}") from None


async def eventually(
    happened: Callable[[], Awaitable[object]], *, patience_s: float = PATIENCE_S
) -> None:
    """Return as soon as `await happened()` is true; TimeoutError when it never is."""
    async with asyncio.timeout(patience_s):
        while not await happened():  # noqa: ASYNC110 - the database cannot set an event
            await asyncio.sleep(0.02)


# --- doubles for what one delivery needs --------------------------------------------------------


@dataclass(slots=True)
class FakeDatabase:
    """Answers the calls of a delivery; what it was told is in the lists.

    Each entry of `troubles[name]` is raised, or where it is None nothing is, by one call.
    """

    lease_holds: bool = True
    troubles: dict[str, list[Exception | None]] = field(default_factory=dict)
    marked: list[list[int]] = field(default_factory=list)
    settled: list[Results] = field(default_factory=list)
    after_mark: Callable[[], None] = lambda: None

    async def call(self, function: Callable[..., Any], **arguments: Any) -> Any:
        await asyncio.sleep(0)
        waiting = self.troubles.get(function.__name__)
        if waiting and (trouble := waiting.pop(0)) is not None:
            raise trouble
        if function is calls.mark_submitting:
            self.marked.append(list(arguments["ids"]))
            self.after_mark()
            return self.lease_holds
        assert function is calls.settle
        self.settled.append(arguments["results"])
        return len(arguments["results"].ids)

    @property
    def verdicts(self) -> dict[int, str]:
        """What each message was settled as; a second verdict would be a bug."""
        pairs = [pair for page in self.settled for pair in zip(page.ids, page.results, strict=True)]
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)


Script = Callable[[Sequence[Message]], AsyncIterator[Result]]


async def accept(batch: Sequence[Message]) -> AsyncIterator[Result]:
    """Take everything."""
    for message in batch:
        yield Accepted(id=message.id)


@dataclass(slots=True)
class ScriptedProvider:
    """Sends as the test's script says; remembers batches and the `until` it was given."""

    script: Script = accept
    name: str = "scripted"
    limits: Limits = field(default_factory=lambda: Limits(max_batch=100, answer_s=0.1))
    free: int | None = None
    batches: list[list[int]] = field(default_factory=list)
    untils: list[float | None] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        self.batches.append([message.id for message in batch])
        self.untils.append(until)
        async for result in self.script(batch):
            yield result

    async def capacity(self) -> int | None:
        return self.free

    def parse_receipt(self, request: object) -> list[Any]:
        raise NotImplementedError

    def acknowledge(self) -> Any:
        raise NotImplementedError


def make_claim(
    count: int, *, body: str = "text", valid_s: float = 3600, judged: int | None = None
) -> Claim:
    """A claim of so many messages, ids from 1, made this moment with a lease of a minute."""
    now = datetime.now(UTC)
    return Claim(
        claim_id=77,
        judged=count if judged is None else judged,
        lease_until=now + timedelta(seconds=60),
        ids=list(range(1, count + 1)),
        msisdns=[79_070_000_000 + n for n in range(count)],
        sender_ids=[None] * count,
        bodies=[body] * count,
        priorities=[1] * count,
        attempts=[1] * count,
        expires_ats=[now + timedelta(seconds=valid_s)] * count,
    )
