"""Workers killed beside a provider that can be asked: no loss, no double, no doubt left."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import fill, open_provider, taken, until, until_taken
from tests.support import factory
from tests.support.outbox_process import Program, Programs

ASKED: dict[str, Any] = {
    "answers_lookups": True,
    "ask_every_ms": 50,
    "ask_after_ms": 100,
    "ask_again_ms": 200,
    "absent_after_ms": 1500,
}
RESOLVED = """
    select not exists (select from sms.pending) and not exists (select from sms.inflight)
       and not exists (select from sms.message where state = 'uncertain')
"""


async def states(conn: AsyncConnection) -> Counter[str]:
    found = await factory.rows(conn, "select state, count(*) as n from sms.message group by state")
    return Counter({row["state"]: row["n"] for row in found})


async def check_books(conn: AsyncConnection, log: Path, count: int) -> None:
    """Every message is at the provider once, and nowhere in doubt."""
    record = taken(log)
    assert await factory.nothing_unaccounted(conn)
    assert (await states(conn)).keys() <= {"accepted", "delivered"}
    assert len(record) == count, f"{count - len(record)} lost"
    assert not [id_ for id_, times in record.items() if times > 1], "doubled"


def asked(*programs: Program) -> Counter[str]:
    """What the answers came to, by the programs' logs."""
    total: Counter[str] = Counter()
    for program in programs:
        for event in program.events("asked_about_doubtful"):
            total.update({key: event[key] for key in ("asked", "present", "resent")})
    return total


@pytest.mark.parametrize("named", [True, False])
async def test_what_a_killed_worker_had_handed_over_is_found_and_the_rest_sent_again(
    conn: AsyncConnection, programs: Programs, log: Path, named: bool
) -> None:
    # Taken after 0.3 s, answered 1 s later: the kill finds messages of both kinds.
    await open_provider(
        conn, log, tps=100, way_ms=300, latency_ms=1000, names_messages=named, **ASKED
    )
    await fill(conn, 100)
    victim = await programs.running("worker")
    await until_taken(log, 20)
    victim.kill()
    heir = await programs.running("worker")
    await until(conn, RESOLVED)

    await check_books(conn, log, 100)
    done = asked(heir)
    assert done["present"] > 0
    assert done["resent"] > 0


async def test_an_answer_that_got_lost_and_a_message_that_got_lost_are_told_apart(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=500, uncertain_rate=0.2, lost_rate=0.2, seed=1, **ASKED)
    await fill(conn, 200)
    worker = await programs.running("worker")
    await until(conn, RESOLVED)

    await check_books(conn, log, 200)
    done = asked(worker)
    assert done["present"] > 0
    assert done["resent"] > 0


async def test_a_provider_that_often_fails_to_answer_is_asked_until_it_does(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=500, uncertain_rate=1, mute_rate=0.7, seed=1, **ASKED)
    await fill(conn, 20)
    worker = await programs.running("worker")
    await until(conn, RESOLVED)

    await check_books(conn, log, 20)
    assert worker.events("look_up_failed")


async def test_a_drain_ends_when_the_doubts_are_resolved(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=500, uncertain_rate=0.5, lost_rate=0.2, seed=1, **ASKED)
    await fill(conn, 50)
    drain = await programs.running("run", "--drain", "--receipt-wait", "1s")

    assert await drain.ended(within_s=60) == 0
    await check_books(conn, log, 50)


async def test_the_turn_of_a_worker_killed_in_the_middle_of_a_question_passes_on(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=500, uncertain_rate=1, answer_ms=3000, seed=1, **ASKED)
    await fill(conn, 5)
    victim = await programs.running("worker")
    await until(conn, "select bool_or(asks > 0) from sms.doubtful")
    victim.kill()
    assert (await states(conn))["uncertain"] == 5
    # Nobody asks while the killed one's question may still be under way; then the next does.
    await programs.running("worker")
    await until(conn, RESOLVED)

    await check_books(conn, log, 5)


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_random_kills_leave_no_message_both_sent_again_and_present(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    count = 3000
    await open_provider(
        conn,
        log,
        tps=200,
        way_ms=150,
        latency_ms=200,
        uncertain_rate=0.01,
        lost_rate=0.01,
        mute_rate=0.2,
        names_messages=True,
        receipt_delay_ms=300,
        **ASKED,
    )
    everybody = [await programs.running("worker") for _ in range(2)]
    workers = list(everybody)
    await fill(conn, count)
    moments = sorted(random.sample(range(50, count * 3 // 4), 8))
    for turn, moment in enumerate(moments):
        await until_taken(log, moment)
        await workers[turn % 2].ready()
        workers[turn % 2].kill()
        workers[turn % 2] = programs.start("worker")
        everybody.append(workers[turn % 2])
    await until(conn, RESOLVED, patience_s=120)

    print(f"killed after {moments}: {asked(*everybody)}")
    await check_books(conn, log, count)
    resent = await factory.column(
        conn,
        """
        select jsonb_array_elements_text(detail -> 'ids')::bigint from sms.activity
         where detail ->> 'verdict' = 'absent'
        """,
    )
    assert resent
    assert all(taken(log)[id_] == 1 for id_ in resent)
