"""One SMSC that fails in every way it can, one after the other, while messages keep coming."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from kannel.simulator import Mode, Simulator
from tests.chaos.books import until
from tests.support import factory
from tests.support.outbox_process import Programs, with_rights_of

pytestmark = pytest.mark.chaos

FAULTS: tuple[Mode, ...] = ("hang", "throttle", "queuefull", "sysfail", "garbage", "drop", "slow")
EACH = 30  # messages before, and again during, each fault


async def ask(conn: AsyncConnection, first: int) -> list[int]:
    """A few requests, each to a number of its own that is delivered, some of them long."""
    return await factory.insert_many(
        conn,
        [
            {
                "phone": str(79_070_000_000 + 10 * number + 1),
                "body": "Платёж получен. " * (1 + 9 * (number % 3 == 0)),
                "not_before": None,
            }
            for number in range(first, first + EACH)
        ],
    )


async def test_every_message_is_delivered_once_or_listed_as_uncertain(
    simulator: Simulator,
    conn: AsyncConnection,
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_SMPP", simulator.password)
    await factory.make_provider(
        conn,
        adapter="smpp",
        secret_env="OUTBOX_SECRET_SMPP",
        tps=1000,
        settings={
            "addresses": f"127.0.0.1:{simulator.port}",
            "system_id": "outbox",
            "sender_id": "BANK",
            "binds": 2,
            "window": 10,
            "timeout_s": 1,
            "enquire_link_s": 0.5,
            "reconnect_s": 0.1,
            "reconnect_max_s": 0.5,
            "throttle_s": 0.2,
            "room_wait_s": 0.5,
        },
    )
    await factory.set_quiet_hours(conn)
    await factory.change_channel(conn, "single", max_attempts=100, retry_base="1 second")
    ids: list[int] = []
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        worker = await programs.running("worker")
        for fault in FAULTS:
            ids += await ask(conn, len(ids))
            simulator.set_mode(fault)
            ids += await ask(conn, len(ids))
            await asyncio.sleep(1.5)  # longer than the patience with answers
            simulator.set_mode("ok")
            await asyncio.sleep(0.5)
        await until(
            conn,
            """
            select not exists (select from sms.pending) and not exists (select from sms.inflight)
               and not exists (select from sms.outcome as o where o.state = 'accepted')
            """,
        )
        states = dict(zip(ids, await factory.states(conn, *ids), strict=True))
        trouble = worker.events("smpp_bug", "send_failed", "delivery_failed")
    assert Counter(states.values()).keys() <= {"delivered", "uncertain"}
    assert Counter(states.values())["delivered"] >= len(ids) / 2
    assert trouble == []
    _nothing_twice(simulator, states)


def _nothing_twice(simulator: Simulator, states: dict[int, str]) -> None:
    """By the SMSC's own record: each part of what was delivered was taken once, of the rest at
    most once."""
    taken = Counter(
        (record["to"], tuple(record["part"] or ()))
        for record in simulator.records("submit_sm")
        if record["status"] == 0
    )
    assert max(taken.values()) == 1
    numbers = {str(79_070_000_000 + 10 * place + 1): id_ for place, id_ in enumerate(states)}
    delivered = {to for to, id_ in numbers.items() if states[id_] == "delivered"}
    assert delivered <= {to for to, _ in taken}
