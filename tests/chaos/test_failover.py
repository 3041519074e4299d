"""A provider fails in every way, one after the other, under load; the backup takes over and back.

Two worker processes, two providers over real sockets, 200 messages a second, a tenth of them
urgent. What the providers wrote down is held against the database in the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import LiteralString, get_args

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tests.chaos.books import until, until_nothing_is_left
from tests.chaos.counter import Counter, Mood, counter
from tests.support import factory
from tests.support.outbox_process import Programs

pytestmark = pytest.mark.chaos

PER_S = 200
EVERY_S = 0.1
URGENT_SHARE = 10  # one in ten
URGENT_BOUND = timedelta(seconds=10)
CALM_S = 2.0
STAYS_ILL_S = 3.0
FAULTS: tuple[Mood, ...] = tuple(mood for mood in get_args(Mood) if mood != "well")
# What decides when a provider counts as ill is left as it comes; the way back is shortened.
POLICY = {
    "cool_down": "4 seconds",
    "max_cool_down": "8 seconds",
    "ramp_lanes": 10,
    "ramp_every": "1 second",
}
BACKUP_SERVES: LiteralString = """
    select bool_and(s.provider = 'backup') from sms.lane_status as s
"""
MAIN_SERVES: LiteralString = """
    select bool_and(s.provider = 'main') from sms.lane_status as s
"""
HOW_IT_WAS: LiteralString = """
    select m.id, m.state, m.channel = 'otp' as is_urgent, m.created_at from sms.message as m
"""


@dataclass(slots=True)
class Night:
    """What happened when."""

    faults: dict[Mood, datetime] = field(default_factory=dict)
    switched_s: dict[Mood, float] = field(default_factory=dict)
    back_s: dict[Mood, float] = field(default_factory=dict)
    ended_at: datetime | None = None


@pytest.mark.timeout(420)
async def test_a_provider_fails_in_every_way_and_urgent_messages_keep_arriving(
    dsn: str, conn: AsyncConnection, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_KANNEL", "secret")
    async with counter() as main, counter() as backup:
        await prepare(conn, main=main, backup=backup)
        for _ in range(2):
            await programs.running("worker", lease_s=30, dlr_token="0123456789-abcdef_XYZ")
        async with load(dsn):
            night = await play(conn, main)
        await until_nothing_is_left(conn)
        told = await hold_against(conn, night, main, backup)
    print(told)


async def prepare(conn: AsyncConnection, *, main: Counter, backup: Counter) -> None:
    """Two accounts, every channel routed to main before backup, no rule in the way."""
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    for name, peer in (("main", main), ("backup", backup)):
        settings = {
            "url": peer.url,
            "username": "bank",
            "sender_id": "BANK",
            "timeout_s": 8,
            "back_off_s": 1,
        }
        await factory.make_provider(
            conn,
            name,
            point_lanes=False,
            adapter="kannel",
            secret_env="OUTBOX_SECRET_KANNEL",
            tps=250,
            settings=settings,
        )
    await conn.execute("select sms.set_breaker('*', %s)", [Jsonb(POLICY)])
    await conn.execute("select sms.set_route('*', '{main,backup}')")


@asynccontextmanager
async def load(dsn: str) -> AsyncIterator[None]:
    """Insert until the block ends."""
    ended = asyncio.Event()

    async def insert() -> None:
        async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
            batch, loop = int(PER_S * EVERY_S), asyncio.get_running_loop()
            due = loop.time()
            for turn in count():
                if ended.is_set():
                    return
                await conn.execute(
                    """
                    insert into sms.outbox (channel, phone, body)
                    select case when n %% %(share)s = 0 then 'otp' else 'mass' end,
                           (79070000000 + n)::text, 'Код ' || n
                      from generate_series(%(first)s::bigint, %(last)s::bigint) as n
                    """,
                    {"share": URGENT_SHARE, "first": turn * batch, "last": (turn + 1) * batch - 1},
                )
                due += EVERY_S
                await asyncio.sleep(max(0.0, due - loop.time()))

    task = asyncio.create_task(insert(), name="load")
    try:
        yield
    finally:
        ended.set()
        await task


async def play(conn: AsyncConnection, main: Counter) -> Night:
    """Each fault in turn: the switch, a while of illness, recovery, the return."""
    night = Night()
    for fault in FAULTS:
        await asyncio.sleep(CALM_S)
        night.faults[fault] = datetime.now(UTC)
        await main.become(fault)
        await until(conn, BACKUP_SERVES)
        night.switched_s[fault] = seconds_since(night.faults[fault])
        await asyncio.sleep(STAYS_ILL_S)
        well_at = datetime.now(UTC)
        await main.become("well")
        await until(conn, MAIN_SERVES, patience_s=90)
        night.back_s[fault] = seconds_since(well_at)
    night.ended_at = datetime.now(UTC)
    return night


async def hold_against(
    conn: AsyncConnection, night: Night, main: Counter, backup: Counter
) -> dict[str, object]:
    """The providers' own records and the history of the routes, against the database."""
    records = [*main.record, *backup.record]
    times = Counts(id_ for id_, _ in records)
    arrived = dict(records)
    messages = await factory.rows(conn, HOW_IT_WAS)
    states = {message["id"]: message["state"] for message in messages}
    doubled = [id_ for id_, n in times.items() if n > 1]
    lost = [id_ for id_, state in states.items() if state == "accepted" and id_ not in times]
    strayed = [id_ for id_ in times if states[id_] not in ("accepted", "uncertain")]
    assert await factory.nothing_unaccounted(conn)
    assert set(states.values()) <= {"accepted", "uncertain"}
    assert not lost, f"{len(lost)} are said to be taken, but no provider has them"
    assert not strayed, f"{len(strayed)} were taken, but the database says otherwise"
    assert not doubled, f"{len(doubled)} were taken twice"
    urgent = [message for message in messages if message["is_urgent"]]
    waits = {
        message["id"]: arrived[message["id"]] - message["created_at"]
        for message in urgent
        if message["state"] == "accepted"
    }
    late = [
        (message["created_at"], waits[message["id"]])
        for message in urgent
        if waits.get(message["id"], URGENT_BOUND) > URGENT_BOUND
    ]
    assert not late, f"{late} were late; {night}"
    for fault, at in night.faults.items():  # what is in doubt was handed over before the switch
        switched = at + timedelta(seconds=night.switched_s[fault])
        # What is a moment old when the next fault strikes is on its way.
        next_fault = min((it for it in night.faults.values() if it > at), default=night.ended_at)
        assert next_fault is not None
        spared = (switched, next_fault - timedelta(seconds=CALM_S))
        doubtful = [
            message["created_at"]
            for message in urgent
            if message["state"] == "uncertain" and spared[0] < message["created_at"] < spared[1]
        ]
        assert not doubtful, f"{fault} from {at}, switched {switched}: in doubt from {doubtful}"
    await check_history(conn)
    return {
        "messages": len(messages),
        "states": dict(Counts(states.values())),
        "urgent": len(urgent),
        "urgent in doubt": sum(message["state"] == "uncertain" for message in urgent),
        "slowest urgent, s": round(max(waits.values()).total_seconds(), 2),
        "switched after, s": night.switched_s,
        "all back after, s": night.back_s,
    }


async def check_history(conn: AsyncConnection) -> None:
    """The switches and the returns are rows with causes; only main ever fell ill."""
    breakers = await factory.rows(conn, "select * from sms.breaker_change order by change_id")
    assert {row["provider"] for row in breakers} == {"main"}
    assert all(row["cause"] and row["figures"] for row in breakers)
    openings = [row for row in breakers if row["from_state"] == "closed"]
    assert len(openings) == len(FAULTS), [(row["cause"], row["figures"]) for row in openings]
    assert sum(row["to_state"] == "closed" for row in breakers) == len(FAULTS)
    lanes = await factory.column(
        conn, "select cause from sms.lane_change where is_automatic and from_provider is not null"
    )
    every_lane = await factory.value(conn, "select count(*) from sms.lane")
    assert Counts(lanes) == {
        "failover": every_lane * len(FAULTS),
        "return": every_lane * len(FAULTS),
    }


def seconds_since(moment: datetime) -> float:
    return round((datetime.now(UTC) - moment).total_seconds(), 1)
