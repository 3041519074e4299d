"""wake, somebody_sleeps, try_sleep, wake_up: the bell rings for a sleeper, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.databases import Databases
from tests.support.factory import insert_many, insert_outbox, number, value

URGENT, BULK = 0, 1
CHANNELS = {URGENT: "sms_urgent", BULK: "sms_bulk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An ERP and a worker with its connection for listening."""

    dsn: str
    erp: AsyncConnection
    worker: AsyncConnection

    async def sleep(self, gate: int) -> int | None:
        """What a worker does before it waits."""
        slot: int | None = await value(self.worker, "select sms.try_sleep(%s)", gate)
        return slot

    async def wake_up(self, gate: int, slot: int) -> None:
        await self.worker.execute("select sms.wake_up(%s, %s)", [gate, slot])

    async def rings(self, expected: int = 0) -> list[str]:
        """The bells since the last look: as many as expected, and whatever rings just after."""
        heard = []
        if expected:
            heard = [n.channel async for n in self.worker.notifies(timeout=10, stop_after=expected)]
        return heard + [n.channel async for n in self.worker.notifies(timeout=0.15)]

    async def sleepers(self, gate: int) -> int:
        """How many hold a slot of a gate."""
        count: int = await value(
            self.erp,
            """
            select count(*)
              from pg_locks as l
             where l.locktype = 'advisory' and l.classid = 74010 + %s and l.mode = 'ExclusiveLock'
               and l.database = (select oid from pg_database where datname = current_database())
            """,
            gate,
        )
        return count

    async def only(self, gate: int, left: int) -> None:
        """Wait until the slots of those that went away are free."""
        async with asyncio.timeout(10):
            while await self.sleepers(gate) > left:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def house_dsn(databases: Databases) -> Iterator[str]:
    """One database for all tests here: what they leave waiting wakes nobody."""
    with databases.copy() as dsn:
        yield dsn


@pytest.fixture
async def house(house_dsn: str) -> AsyncIterator[House]:
    async with (
        await AsyncConnection.connect(house_dsn, autocommit=True) as erp,
        await AsyncConnection.connect(house_dsn, autocommit=True) as worker,
    ):
        await worker.execute("listen sms_urgent")
        await worker.execute("listen sms_bulk")
        made = House(dsn=house_dsn, erp=erp, worker=worker)
        await made.only(URGENT, 0)
        await made.only(BULK, 0)
        yield made


async def test_nobody_rings_while_all_are_awake(house: House) -> None:
    await insert_many(house.erp, [{"not_before": None}, {"not_before": None, "channel": "mass"}])

    assert await house.rings() == []


@pytest.mark.parametrize(
    ("gate", "channel"), [(URGENT, "otp"), (URGENT, "single"), (BULK, "mass"), (BULK, "planned")]
)
async def test_an_insert_rings_the_sleeper_of_its_gate(
    house: House, gate: int, channel: str
) -> None:
    assert await house.sleep(gate) is not None

    await insert_outbox(house.erp, not_before=None, channel=channel)

    assert await house.rings(1) == [CHANNELS[gate]]


@pytest.mark.parametrize(("gate", "channel"), [(BULK, "single"), (URGENT, "mass")])
async def test_an_insert_leaves_the_other_gate_asleep(
    house: House, gate: int, channel: str
) -> None:
    await house.sleep(gate)

    await insert_outbox(house.erp, not_before=None, channel=channel)

    assert await house.rings() == []


async def test_a_statement_of_both_kinds_rings_both_bells_once(house: House) -> None:
    await house.sleep(URGENT)
    await house.sleep(BULK)

    await insert_many(
        house.erp,
        [
            {"not_before": None, "channel": channel, "phone": str(number(n))}
            for n, channel in enumerate(["single", "mass"] * 20)
        ],
    )

    assert sorted(await house.rings(2)) == ["sms_bulk", "sms_urgent"]


@pytest.mark.parametrize(
    "request_columns",
    [{"phone": "no number"}, {"not_before": None, "body": ""}, {}],
    ids=["unusable", "empty", "scheduled"],
)
async def test_what_is_not_due_wakes_nobody(house: House, request_columns: dict[str, Any]) -> None:
    await house.sleep(URGENT)

    await insert_outbox(house.erp, **request_columns)

    assert await house.rings() == []


async def test_whoever_woke_up_is_not_rung_again(house: House) -> None:
    slot = await house.sleep(URGENT)
    assert slot is not None
    await house.wake_up(URGENT, slot)

    await insert_outbox(house.erp, not_before=None)

    assert await house.rings() == []


async def test_the_bell_rings_at_the_commit_and_not_for_a_rollback(house: House) -> None:
    await house.sleep(URGENT)
    async with await AsyncConnection.connect(house.dsn) as erp:
        await insert_outbox(erp, not_before=None)
        assert await house.rings() == []
        await erp.rollback()
        assert await house.rings() == []

        await insert_outbox(erp, not_before=None)
        await erp.commit()

    assert await house.rings(1) == ["sms_urgent"]


async def test_nobody_falls_asleep_beside_an_uncommitted_insert(house: House) -> None:
    """Else the worker would look, see nothing, and sleep through a commit that did not ring."""
    async with await AsyncConnection.connect(house.dsn) as erp:
        await insert_outbox(erp, not_before=None)

        assert await house.sleep(URGENT) is None
        assert await house.sleep(BULK) == 1
        await erp.commit()
        assert await house.sleep(URGENT) == 1


async def test_a_gate_has_room_for_four(house: House) -> None:
    others = [await AsyncConnection.connect(house.dsn, autocommit=True) for _ in range(5)]
    slots = [await value(other, "select sms.try_sleep(%s)", URGENT) for other in others]
    assert slots == [1, 2, 3, 4, None]

    await insert_outbox(house.erp, not_before=None)
    assert await house.rings(1) == ["sms_urgent"]

    await others[2].execute("select sms.wake_up(%s, 3)", [URGENT])
    assert await value(others[4], "select sms.try_sleep(%s)", URGENT) == 3
    for other in others:
        await other.close()


@pytest.mark.parametrize("slot", [1, 2, 3, 4])
async def test_a_sleeper_in_any_slot_is_rung(house: House, slot: int) -> None:
    others = []
    for _ in range(slot - 1):
        others.append(await AsyncConnection.connect(house.dsn, autocommit=True))
        await others[-1].execute("select sms.try_sleep(%s)", [URGENT])
    assert await house.sleep(URGENT) == slot
    for other in others:
        await other.close()
    await house.only(URGENT, 1)

    await insert_outbox(house.erp, not_before=None)

    assert await house.rings(1) == ["sms_urgent"]


async def test_a_sleeper_whose_connection_died_is_no_sleeper(house: House) -> None:
    async with await AsyncConnection.connect(house.dsn, autocommit=True) as other:
        assert await value(other, "select sms.try_sleep(%s)", URGENT) == 1
    await house.only(URGENT, 0)

    await insert_outbox(house.erp, not_before=None)

    assert await house.rings() == []


async def test_a_hundred_inserts_at_once_do_not_keep_a_worker_from_its_rest(house: House) -> None:
    """Shared holds of many short transactions leave gaps for a worker that tries shortly."""

    async def insert_on_and_on() -> None:
        async with await AsyncConnection.connect(house.dsn, autocommit=True) as erp:
            for _ in range(25):
                await insert_outbox(erp, not_before=None)

    inserting = asyncio.gather(*(insert_on_and_on() for _ in range(4)))
    async with asyncio.timeout(20):
        while await house.sleep(URGENT) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # as a worker does: short tries
    await inserting
