"""One claimer, with doubles: how much it claims, and when it claims nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseAway, DatabaseError
from outbox.rows import Claim
from tests.worker.conftest import ScriptedProvider, make_claim
from worker import clock, loop
from worker.clock import FIRST_PAUSE_S
from worker.line import Line
from worker.loop import Claimer, Look, Post, Taken, bulk_post, urgent_post
from worker.pace import Pace


@dataclass(slots=True)
class Queue:
    """A database in which so many messages are due; stops the line when it is empty."""

    due: int
    limits: list[int] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)

    async def call(self, function: Any, **arguments: Any) -> Any:
        await asyncio.sleep(0)
        if function is calls.mark_submitting:
            return True
        if function is calls.settle:
            return len(arguments["results"].ids)
        assert function is calls.claim_batch
        if self.troubles:
            raise self.troubles.pop(0)
        self.limits.append(arguments["limit"])
        taken = min(self.due, arguments["limit"])
        self.due -= taken
        return make_claim(taken)


def make_line(queue: Queue, provider: ScriptedProvider, **changes: Any) -> Line:
    values: dict[str, Any] = {
        "name": "scripted",
        "provider": provider,
        "pace": Pace(1_000_000),
        "db": cast(Database, queue),
        "max_batch": 1000,
        "lease_s": 60,
    }
    return Line(**{**values, **changes})


async def work(line: Line, post: Post) -> int:
    """Run a claimer until it finds nothing more; how often it found more than it took."""
    more = 0

    def found_more() -> None:
        nonlocal more
        more += 1

    async def rest(look: Look) -> Taken | None:
        found = await look()
        if found is None:
            line.stop()
        return found

    async with asyncio.timeout(10):
        await Claimer(line, post=post, worker="w", rest=rest, found_more=found_more).run()
    return more


async def test_it_claims_until_nothing_is_due_and_calls_for_help_when_there_is_more() -> None:
    queue, provider = Queue(due=250), ScriptedProvider()
    assert await work(make_line(queue, provider), bulk_post(limit=100)) == 2
    assert queue.due == 0
    assert sum(map(len, provider.batches)) == 250
    assert set(queue.limits) == {100}


async def test_a_claim_holds_no_more_than_leaves_in_about_a_second() -> None:
    queue, provider = Queue(due=30), ScriptedProvider()
    await work(make_line(queue, provider, pace=Pace(20)), bulk_post(limit=500))
    assert queue.limits[0] == 20


async def test_bulk_leaves_some_of_the_providers_places_to_urgent() -> None:
    queue, provider = Queue(due=10), ScriptedProvider(free=10)
    await work(make_line(queue, provider), bulk_post(limit=500))
    assert set(queue.limits) == {8}
    queue = Queue(due=10)
    await work(make_line(queue, provider), urgent_post(limit=20, deliveries=1))
    assert set(queue.limits) == {10}


async def test_a_full_provider_is_not_claimed_for_until_it_has_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "FULL_S", 0.01)
    queue, provider = Queue(due=5), ScriptedProvider(free=0)
    line = make_line(queue, provider)
    working = asyncio.create_task(work(line, bulk_post(limit=500)))
    await asyncio.sleep(0.1)
    assert queue.limits == []
    provider.free = 1
    await working
    assert set(queue.limits) == {1}
    assert queue.due == 0


async def test_an_adapter_that_cannot_tell_its_capacity_is_not_claimed_for() -> None:
    queue, provider = Queue(due=5), ScriptedProvider()
    line = make_line(queue, provider)

    async def broken() -> int:
        line.stop()
        raise OSError("no status page")

    object.__setattr__(line, "provider", Broken(broken))
    await work(line, bulk_post(limit=500))
    assert queue.limits == []


@dataclass(slots=True)
class Broken:
    capacity: Any


async def test_trouble_makes_small_claims() -> None:
    queue, provider = Queue(due=25), ScriptedProvider()
    line = make_line(queue, provider, in_trouble=True)
    await work(line, bulk_post(limit=500))
    assert queue.limits[0] == loop.PROBE_LIMIT
    assert queue.limits[1] == 500  # the first probe went well


async def test_what_cannot_be_recorded_is_claimed_in_small_numbers_and_with_pauses() -> None:
    @dataclass(slots=True)
    class Unmarkable(Queue):
        async def call(self, function: Any, **arguments: Any) -> Any:
            if function is calls.mark_submitting and len(self.limits) < 4:
                raise DatabaseError("permission denied")
            return await Queue.call(self, function, **arguments)

    queue, provider = Unmarkable(due=5000), ScriptedProvider()
    line = make_line(queue, provider)
    started = clock.now()
    await work(line, bulk_post(limit=500))
    assert queue.limits[:5] == [500, 10, 10, 10, 500]
    assert clock.now() - started > FIRST_PAUSE_S / 2
    assert not line.is_careful


async def test_it_claims_through_an_outage_and_complains_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue, provider = Queue(due=5), ScriptedProvider()
    queue.troubles = [DatabaseAway("away"), DatabaseError("refused"), DatabaseError("refused")]
    await work(make_line(queue, provider), bulk_post(limit=500))
    assert queue.due == 0
    said = capsys.readouterr()
    assert (said.out + said.err).count("claim_refused") == 1


async def test_judged_rows_without_any_to_send_mean_claim_again() -> None:
    @dataclass(slots=True)
    class Suppressing(Queue):
        async def call(self, function: Any, **arguments: Any) -> Any:
            claim: Claim = await Queue.call(self, function, **arguments)
            return make_claim(0, judged=len(claim.ids))

    queue = Suppressing(due=25)
    provider = ScriptedProvider()
    await work(make_line(queue, provider), bulk_post(limit=10))
    assert queue.due == 0
    assert provider.batches == []
