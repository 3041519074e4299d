"""A breaker opens, or lanes leave: what has not left is handed back, and nobody is blocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from outbox import calls
from outbox.db import Database
from outbox.rows import Claim
from providers.base import Accepted, Message, NotSubmitted, Result
from tests.support.waiting import eventually
from tests.worker.conftest import FakeDatabase, ScriptedProvider, make_claim
from worker import clock
from worker.deliver import RECALLED, SENDS_AT_ONCE, deliver
from worker.line import Line
from worker.loop import Claimer, Look, Taken, bulk_post
from worker.pace import Pace


async def hang(batch: Sequence[Message]) -> AsyncIterator[Result]:
    """Take it and say nothing."""
    await asyncio.sleep(3600)
    yield Accepted(id=batch[0].id)


@pytest.fixture
def db() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider(script=hang)


@pytest.fixture
def line(db: FakeDatabase, provider: ScriptedProvider) -> Line:
    return Line(
        name="scripted",
        provider=provider,
        pace=Pace(10),  # one message at a time
        db=cast(Database, db),
        max_batch=500,
        lease_s=60,
    )


async def test_what_has_not_left_is_handed_back_at_once(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    delivery = asyncio.create_task(deliver(line, make_claim(9), started=clock.now()))
    await eventually(lambda: len(provider.batches) == SENDS_AT_ONCE)
    line.call_back()
    await eventually(lambda: len(db.verdicts) == 9 - SENDS_AT_ONCE)
    assert set(db.verdicts.values()) == {"released"}
    assert {page.details[0] for page in db.settled} == {RECALLED}
    assert not delivery.done()
    line.cut()
    await delivery


async def test_a_claim_asked_for_before_the_recall_is_handed_back_whole(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    """The database answered before the breaker opened, the worker got to it afterwards."""
    recall = line.recall
    line.call_back()
    await deliver(line, make_claim(3), started=clock.now(), recall=recall)
    assert db.marked == provider.batches == []
    assert set(db.verdicts.values()) == {"released"}


async def test_claims_after_a_recall_are_not_meant(line: Line, db: FakeDatabase) -> None:
    """Such as the probes."""
    line.call_back()
    cast(ScriptedProvider, line.provider).script = ScriptedProvider().script
    await deliver(line, make_claim(2), started=clock.now())
    assert set(db.verdicts.values()) == {"accepted"}


async def test_a_recall_frees_the_claimer_while_its_sends_still_hang(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    claims = 0

    async def call(function: Callable[..., Any], **arguments: Any) -> Any:
        nonlocal claims
        if function is calls.claim_batch:
            claims += 1
            return make_claim(2)
        return await db.call(function, **arguments)

    line.db = cast(Database, Calls(call=call))
    claimer = Claimer(
        line, post=bulk_post(limit=10), worker="w", rest=look_once, found_more=lambda: None
    )
    working = asyncio.create_task(claimer.run())
    await eventually(lambda: len(provider.batches) == 2)
    assert claims == 1
    line.call_back()
    await eventually(lambda: claims == 2)
    line.stop()
    line.cut()
    async with asyncio.timeout(20):
        await working


async def test_a_line_without_lanes_claims_nothing_until_it_gets_some(line: Line) -> None:
    looks = 0

    async def rest(look: Look) -> Taken | None:
        nonlocal looks
        looks += 1
        await line.off_duty.wait()
        return None

    line.db = cast(Database, Calls(call=nothing_due))
    line.serve(has_lanes=False)
    claimer = Claimer(
        line, post=bulk_post(limit=10), worker="w", rest=rest, found_more=lambda: None
    )
    working = asyncio.create_task(claimer.run())
    await asyncio.sleep(0.05)
    assert looks == 0
    line.serve(has_lanes=True)
    await eventually(lambda: looks == 1)
    line.serve(has_lanes=False)
    await asyncio.sleep(0.05)
    assert looks == 1
    line.serve(has_lanes=True)
    await eventually(lambda: looks == 2)
    line.stop()
    async with asyncio.timeout(20):
        await working


async def test_a_mute_provider_gets_no_more_where_another_could_serve(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.health.call(1)
    assert not line.is_mute()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 3)
    assert not line.is_mute()
    line.has_backup = True
    assert line.is_mute()
    answered = line.health.call(1)
    answered.heard(Accepted(id=1))
    assert not line.is_mute()


async def test_results_of_a_delivery_are_counted(line: Line, db: FakeDatabase) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Accepted(id=batch[0].id)
        raise NotSubmitted("closed", throttled=False)

    cast(ScriptedProvider, line.provider).script = script
    line.pace = Pace(1_000_000)
    await deliver(line, make_claim(3), started=clock.now())
    [report] = line.health.report("scripted")
    assert report.counts == {"accepted": 1, "failed": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """A database that answers as the test says."""

    call: Callable[..., Awaitable[Any]]


async def nothing_due(function: object, **arguments: object) -> Claim:
    return make_claim(0)


async def look_once(look: Look) -> Taken | None:
    return await look()
