"""Falling asleep and being woken, on the real gate and real NOTIFY."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from psycopg import AsyncConnection

from tests.support import factory
from tests.worker.conftest import Fake, eventually, insert
from worker.bell import Bell, Gate

NEVER_S = 3600.0  # the poll, so that only the bell can wake
SOON_S = 10.0  # generous: other programs run on this machine
NAME = "a bell under test"


@asynccontextmanager
async def ringing(dsn: str | None, *, poll_s: float = NEVER_S) -> AsyncIterator[Bell]:
    """A bell at work."""
    bell = Bell(dsn, name=NAME, poll_s=poll_s)
    task = asyncio.create_task(bell.run())
    try:
        yield bell
    finally:
        bell.close()
        async with asyncio.timeout(SOON_S):
            await task


class Sleeper:
    """Looks for pending rows it has not seen yet; `found` tells when it saw one."""

    def __init__(self, bell: Bell, conn: AsyncConnection, gate: Gate) -> None:
        self.bell = bell
        self.conn = conn
        self.gate = gate
        self.seen = 0
        self.looks = 0
        self.looked = asyncio.Event()
        self.leave = asyncio.Event()

    async def look(self) -> int | None:
        self.looks += 1
        count = int(await factory.value(self.conn, "select count(*) from sms.pending"))
        self.looked.set()
        if count == self.seen:
            return None
        self.seen = count
        return count

    async def has_looked(self) -> None:
        """Wait for the end of its first look."""
        async with asyncio.timeout(SOON_S):
            await self.looked.wait()

    async def next(self) -> int | None:
        async with asyncio.timeout(SOON_S):
            return await self.bell.wait_for(self.gate, self.look, unless=self.leave)


async def asleep(conn: AsyncConnection, gate: Gate, *, expected: bool = True) -> None:
    """Wait until somebody sleeps at the gate, or nobody does."""

    async def reached() -> bool:
        sleeps = await factory.value(conn, "select sms.somebody_sleeps(%s)", gate)
        return bool(sleeps is expected)

    await eventually(reached, patience_s=SOON_S)


async def connect(dsn: str) -> AsyncConnection:
    return await AsyncConnection.connect(dsn, autocommit=True)


async def test_an_insert_wakes_the_sleeper(dsn: str, conn: AsyncConnection, fake: Fake) -> None:
    async with ringing(dsn) as bell, await connect(dsn) as eyes:
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        waiting = asyncio.create_task(sleeper.next())
        await asleep(conn, Gate.URGENT)
        await insert(conn, 1, channel="single")
        assert await waiting == 1
        await asleep(conn, Gate.URGENT, expected=False)  # awake: inserts need not notify


async def test_bulk_inserts_do_not_wake_urgent_sleepers(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    async with ringing(dsn) as bell, await connect(dsn) as one, await connect(dsn) as two:
        urgent, bulk = Sleeper(bell, one, Gate.URGENT), Sleeper(bell, two, Gate.BULK)
        waiting = asyncio.create_task(urgent.next())
        await asleep(conn, Gate.URGENT)
        await urgent.has_looked()  # once more, as the gate is held by now
        looks = urgent.looks
        rest = asyncio.create_task(bulk.next())
        await asleep(conn, Gate.BULK)
        await insert(conn, 1, channel="mass")
        assert await rest == 1
        assert urgent.looks == looks
        await insert(conn, 1, channel="single", first=1)
        assert await waiting == 2


async def test_no_wake_up_is_lost_while_falling_asleep(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    """Inserts commit at all moments of the sleeper's falling asleep, each round the last for now.

    The poll is an hour away, so one lost wake-up ends in TimeoutError.
    """
    dice = random.Random(7)
    rounds, writers = 150, 2

    async def write(mine: AsyncConnection, number: int) -> None:
        await asyncio.sleep(dice.uniform(0, 0.005))
        async with mine.transaction():
            await insert(mine, 1, channel="single", first=number)
            await asyncio.sleep(dice.choice([0, 0, 0.002]))

    async with AsyncExitStack() as stack:
        bell = await stack.enter_async_context(ringing(dsn))
        eyes = await stack.enter_async_context(await connect(dsn))
        pens = [await stack.enter_async_context(await connect(dsn)) for _ in range(writers)]
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        for n in range(1, rounds + 1):
            await asleep(conn, Gate.URGENT, expected=False)
            async with asyncio.TaskGroup() as tasks:
                for place, pen in enumerate(pens):
                    tasks.create_task(write(pen, n * writers + place))
                while sleeper.seen < n * writers:
                    assert await sleeper.next()


async def test_what_came_between_a_look_and_the_gate_is_found_by_looking_once_more(
    dsn: str, conn: AsyncConnection, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race itself, played slowly: look, insert that takes us for awake, then the gate."""
    monkeypatch.setattr("worker.bell.DROWSY_POLL", 0.00005)
    async with ringing(dsn) as bell, await connect(dsn) as eyes, await connect(dsn) as erp:
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        look, raced = sleeper.look, False

        async def race() -> int | None:
            nonlocal raced
            found = await look()
            if not raced:
                raced = True
                assert found is None
                await insert(conn, 1, channel="single")
                await erp.rollback()
                await asleep(conn, Gate.URGENT)
            return found

        monkeypatch.setattr(sleeper, "look", race)
        await erp.set_autocommit(False)
        await erp.execute("select sms.somebody_sleeps(0)")  # as an open insert would
        assert await sleeper.next() == 1


async def test_a_long_transaction_elsewhere_does_not_stop_the_looking(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    """An open insert took us for awake, so the gate cannot be had and nobody is notified."""
    async with (
        ringing(dsn, poll_s=0.4) as bell,
        await connect(dsn) as eyes,
        await connect(dsn) as erp,
    ):
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        async with erp.transaction():
            await insert(erp, 1, channel="single")
            waiting = asyncio.create_task(sleeper.next())
            await asyncio.sleep(0.1)
            await insert(conn, 1, channel="single", first=1)
            assert await waiting == 1
            rest = asyncio.create_task(sleeper.next())
        assert await rest == 2


async def test_the_bell_listens_and_looks_again_after_its_connection_was_killed(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    async with ringing(dsn) as bell, await connect(dsn) as eyes:
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        waiting = asyncio.create_task(sleeper.next())
        await asleep(conn, Gate.URGENT)
        await sleeper.has_looked()
        looks = sleeper.looks
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s",
            [NAME],
        )

        async def looked_again() -> bool:
            return sleeper.looks > looks

        await eventually(looked_again, patience_s=SOON_S)
        await asleep(conn, Gate.URGENT)
        await insert(conn, 1, channel="single")
        assert await waiting == 1


async def test_it_gives_the_gate_back_when_the_last_sleeper_leaves(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    async with ringing(dsn) as bell, await connect(dsn) as eyes:
        sleeper = Sleeper(bell, eyes, Gate.BULK)
        waiting = asyncio.create_task(sleeper.next())
        await asleep(conn, Gate.BULK)
        sleeper.leave.set()
        bell.ring()
        assert await waiting is None
        await asleep(conn, Gate.BULK, expected=False)


async def test_without_a_line_it_only_polls(conn: AsyncConnection, fake: Fake, dsn: str) -> None:
    async with ringing(None, poll_s=0.2) as bell, await connect(dsn) as eyes:
        sleeper = Sleeper(bell, eyes, Gate.URGENT)
        waiting = asyncio.create_task(sleeper.next())
        await asyncio.sleep(0.1)
        assert not await factory.value(conn, "select sms.somebody_sleeps(0)")
        await insert(conn, 1, channel="single")
        assert await waiting == 1


async def test_a_change_of_routing_is_announced(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    async with ringing(dsn) as bell:
        async with asyncio.timeout(SOON_S):
            await bell.config_changed.wait()  # what changed while nobody listened
        bell.config_changed.clear()
        await fake.pace(7)
        async with asyncio.timeout(SOON_S):
            await bell.config_changed.wait()


async def test_a_server_that_is_not_there_is_tried_again_until_closed() -> None:
    async with ringing("postgresql://nobody@127.0.0.1:1/none", poll_s=0.05) as bell:
        looks = 0

        async def look() -> bool | None:
            nonlocal looks
            looks += 1
            return True if looks == 3 else None

        async with asyncio.timeout(SOON_S):
            assert await bell.wait_for(Gate.BULK, look, unless=asyncio.Event())


async def test_who_is_told_to_leave_while_falling_asleep_leaves_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bell = Bell(None, name="test bell", poll_s=3600)
    leave = asyncio.Event()

    async def told_meanwhile(*_: object) -> None:
        leave.set()
        bell.ring()

    async def look() -> str | None:
        return None

    monkeypatch.setattr(bell, "_settle_down", told_meanwhile)
    async with asyncio.timeout(20):
        assert await bell.wait_for(Gate.BULK, look, unless=leave) is None
