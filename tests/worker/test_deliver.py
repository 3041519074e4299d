"""One claim on its way out, with doubles for the database and the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import cast

import pytest

from outbox.db import Database
from outbox.errors import DatabaseAway, DatabaseError
from providers.base import Accepted, Limits, Message, NotSubmitted, Rejected, Result, Retry
from tests.worker.conftest import FakeDatabase, ScriptedProvider, make_claim
from worker import clock, ledger
from worker.deliver import SENDS_AT_ONCE, deliver
from worker.line import Line, split, unpack
from worker.pace import Pace

AWAY = DatabaseAway("The database is away: gone.")


@pytest.fixture
def db() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def line(db: FakeDatabase, provider: ScriptedProvider) -> Line:
    return Line(
        name="scripted",
        provider=provider,
        pace=Pace(1_000_000),
        db=cast(Database, db),
        max_batch=500,
        lease_s=60,
    )


async def test_everything_is_marked_before_it_is_sent_and_settled_after(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    order: list[str] = []

    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        order.append(f"marked {sum(map(len, db.marked))}, settled {len(db.settled)}")
        for message in batch:
            yield Accepted(id=message.id)

    provider.script = script
    await deliver(line, make_claim(3), started=clock.now())
    assert order == ["marked 3, settled 0"]
    assert db.marked == [[1, 2, 3]]
    assert db.verdicts == {1: "accepted", 2: "accepted", 3: "accepted"}


async def test_chunks_are_no_larger_than_the_provider_takes(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    provider.limits = Limits(max_batch=2, answer_s=0.1)
    await deliver(line, make_claim(5), started=clock.now())
    assert provider.batches == db.marked == [[1, 2], [3, 4], [5]]


async def test_a_lost_lease_means_that_nothing_is_sent(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    db.lease_holds = False
    await deliver(line, make_claim(3), started=clock.now())
    assert provider.batches == []
    assert set(db.verdicts.values()) <= {"released"}


async def test_a_claim_that_took_too_long_is_handed_back_unmarked(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    await deliver(line, make_claim(3), started=clock.now() - 56)
    assert db.marked == []
    assert provider.batches == []
    assert db.verdicts == {1: "released", 2: "released", 3: "released"}


async def test_a_mark_that_took_too_long_is_not_followed_by_a_send(
    line: Line, db: FakeDatabase, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker was frozen between the mark and the send: SIGSTOP, a paused machine."""
    started = clock.now()
    db.after_mark = lambda: monkeypatch.setattr(clock, "now", lambda: started + 58)
    await deliver(line, make_claim(3), started=started)
    assert db.marked == [[1, 2, 3]]
    assert provider.batches == []
    assert db.verdicts == {1: "released", 2: "released", 3: "released"}


async def test_the_provider_is_told_when_to_stop_submitting(
    line: Line, provider: ScriptedProvider
) -> None:
    provider.limits = Limits(max_batch=100, answer_s=20)
    started = clock.now()
    await deliver(line, make_claim(1), started=started)
    assert provider.untils == [pytest.approx(started + 40)]


async def test_not_submitted_is_retried_and_costs_no_attempt(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Accepted(id=batch[0].id)
        raise NotSubmitted("connection refused", after=timedelta(seconds=7))

    provider.script = script
    await deliver(line, make_claim(3), started=clock.now())
    assert db.verdicts == {1: "accepted", 2: "throttled", 3: "throttled"}
    assert 7 in [after for page in db.settled for after in page.retry_after_s]


@pytest.mark.parametrize("error", [None, RuntimeError("the bind broke")])
async def test_what_has_no_result_is_uncertain(
    line: Line, db: FakeDatabase, provider: ScriptedProvider, error: Exception | None
) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Rejected(id=batch[1].id, detail="bad number")
        if error:
            raise error

    provider.script = script
    await deliver(line, make_claim(3), started=clock.now())
    assert db.verdicts == {1: "uncertain", 2: "rejected", 3: "uncertain"}


async def test_an_answer_that_never_comes_ends_with_the_lease(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Accepted(id=batch[0].id)
        await asyncio.sleep(3600)

    provider.script = script
    line.lease_s = 1.0
    async with asyncio.timeout(20):
        await deliver(line, make_claim(2), started=clock.now())
    assert db.verdicts == {1: "accepted", 2: "uncertain"}


async def test_sends_cut_off_at_shutdown_are_uncertain_and_the_rest_goes_back(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    provider.limits = Limits(max_batch=1, answer_s=0.1)
    under_way = asyncio.Event()

    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        if len(provider.batches) == SENDS_AT_ONCE:
            under_way.set()
        await asyncio.sleep(3600)
        yield Accepted(id=batch[0].id)

    provider.script = script
    delivery = asyncio.create_task(deliver(line, make_claim(6), started=clock.now()))
    await under_way.wait()
    line.stop()
    line.cut()
    async with asyncio.timeout(20):
        await delivery
    assert provider.batches == [[1], [2], [3], [4]]
    assert db.verdicts == {n: "uncertain" if n <= 4 else "released" for n in range(1, 7)}


async def test_a_send_cut_off_before_its_first_step_is_not_forgotten(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    db.after_mark = lambda: asyncio.get_running_loop().call_soon(cut)  # type: ignore[assignment]

    def cut() -> None:
        line.stop()
        line.cut()

    async with asyncio.timeout(20):
        await deliver(line, make_claim(2), started=clock.now())
    assert set(db.verdicts) == {1, 2}


async def test_a_stopping_worker_marks_nothing(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    line.stop()
    await deliver(line, make_claim(2), started=clock.now())
    assert db.marked == provider.batches == []
    assert db.verdicts == {1: "released", 2: "released"}


async def test_settling_is_repeated_until_the_database_is_back(
    line: Line, db: FakeDatabase
) -> None:
    db.troubles["settle"] = [AWAY, AWAY, None]
    await deliver(line, make_claim(2), started=clock.now())
    assert db.verdicts == {1: "accepted", 2: "accepted"}


async def test_marking_is_repeated_before_anything_is_sent(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    db.troubles["mark_submitting"] = [AWAY, None]
    await deliver(line, make_claim(2), started=clock.now())
    assert db.verdicts == {1: "accepted", 2: "accepted"}
    assert len(provider.batches) == 1


async def test_a_refused_mark_sends_nothing(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    db.troubles["mark_submitting"] = [DatabaseError("no")]
    await deliver(line, make_claim(2), started=clock.now())
    assert provider.batches == []
    assert db.verdicts == {1: "released", 2: "released"}


@pytest.mark.parametrize("call", ["mark_submitting", "settle"])
async def test_while_nothing_can_be_recorded_the_line_is_careful(
    line: Line, db: FakeDatabase, call: str
) -> None:
    db.troubles[call] = [DatabaseError("no")]
    await deliver(line, make_claim(2), started=clock.now())
    assert line.is_careful
    await deliver(line, make_claim(2), started=clock.now())
    assert not line.is_careful


async def test_a_refused_settle_leaves_the_rest_to_the_lease(line: Line, db: FakeDatabase) -> None:
    db.troubles["settle"] = [DatabaseError("no")]
    async with asyncio.timeout(20):
        await deliver(line, make_claim(2), started=clock.now())
    assert db.settled == []


async def test_results_are_settled_as_they_come_the_first_at_once(
    line: Line, db: FakeDatabase, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FLUSH_S", 0.02)
    seen: list[int] = []

    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        for message in batch:
            yield Accepted(id=message.id)
            await asyncio.sleep(0.1)
            seen.append(sum(len(page.ids) for page in db.settled))

    provider.script = script
    await deliver(line, make_claim(3), started=clock.now())
    assert seen == [1, 2, 3]


async def test_a_validity_that_ended_while_waiting_is_handed_back(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    claim = make_claim(1, valid_s=2)
    await deliver(line, claim, started=clock.now() - 3)
    assert provider.batches == []
    assert db.verdicts == {1: "released"}


async def test_results_for_strangers_and_second_results_are_ignored(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Accepted(id=99)
        yield Accepted(id=1, refs=("a", "b"))
        yield Rejected(id=1, detail="too late to say so")

    provider.script = script
    await deliver(line, make_claim(1), started=clock.now())
    assert db.verdicts == {1: "accepted"}
    assert (db.settled[0].ref_ids, db.settled[0].refs) == ([1, 1], ["a", "b"])


async def test_throttling_slows_the_pace_and_costs_no_attempt(
    line: Line, db: FakeDatabase, provider: ScriptedProvider
) -> None:
    async def script(batch: Sequence[Message]) -> AsyncIterator[Result]:
        yield Accepted(id=1)
        yield Retry(id=2, detail="ESME_RTHROTTLED", throttled=True)
        yield Retry(id=3, detail="try later", after=timedelta(seconds=1.2))

    provider.script = script
    before = line.pace.rate
    await deliver(line, make_claim(3), started=clock.now())
    assert line.pace.rate < before
    assert db.verdicts == {1: "accepted", 2: "throttled", 3: "retry"}
    assert db.settled[-1].retry_after_s[-2:] == [ledger.TURNED_AWAY_S, 2]


async def test_a_provider_that_turns_everything_away_is_in_trouble_until_it_takes_one(
    line: Line, provider: ScriptedProvider
) -> None:
    async def refuse(batch: Sequence[Message]) -> AsyncIterator[Result]:
        for message in batch:
            yield Retry(id=message.id, detail="down", throttled=True)

    takes_all, provider.script = provider.script, refuse
    await deliver(line, make_claim(2), started=clock.now())
    assert line.in_trouble
    slowed = line.pace.rate
    await deliver(line, make_claim(2), started=clock.now())
    assert line.pace.rate >= slowed  # an outage slows once, not at every probe
    provider.script = takes_all
    await deliver(line, make_claim(2), started=clock.now())
    assert not line.in_trouble


def test_long_texts_weigh_their_segments_and_one_always_fits() -> None:
    messages = unpack(make_claim(4, body="я" * 200))  # three segments each
    assert [m.segments for m in messages] == [3, 3, 3, 3]
    assert [m.encoding for m in messages] == ["ucs2"] * 4
    chunks = [messages[part] for part in split(messages, count=100, segments=7)]
    assert [len(chunk) for chunk in chunks] == [2, 2]
    assert [len(messages[part]) for part in split(messages, count=100, segments=1)] == [1] * 4
    assert list(split([], count=5, segments=5)) == []
