"""Chores: one leader at a time, and what they do to a real database."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection

from outbox import calls
from outbox.db import Database
from outbox.errors import DatabaseAway, DatabaseError
from tests.support import factory
from tests.worker.conftest import Fake, insert, states
from worker import chores
from worker.chores import CHORES, Chore, do, keep_doing


async def test_only_one_process_leads_and_the_next_one_can_when_it_is_done(
    dsn: str, conn: AsyncConnection
) -> None:
    done: list[str] = []

    async def work(mine: AsyncConnection) -> dict[str, int]:
        done.append("worked")
        return {"rows": 1}

    chore = Chore(number=9, name="a chore", every_s=1, run=work)
    async with Database(dsn) as db:
        async with conn.transaction():
            assert await calls.try_lead(conn, chore=9)
            assert await do(chore, db) == 0
        assert done == []
        assert await do(chore, db) == 1
        assert await do(chore, db) == 1


@pytest.mark.parametrize("chore", CHORES, ids=lambda chore: chore.name)
async def test_every_chore_runs_on_an_empty_database(dsn: str, chore: Chore) -> None:
    async with Database(dsn) as db:
        assert await do(chore, db) >= 0


async def test_expired_leases_return_what_was_not_marked(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    await insert(conn, 3)
    claimed = await factory.claim(conn, as_of=None)
    assert await calls.mark_submitting(conn, claim_id=claimed.claim_id, ids=claimed.ids[:1])
    await conn.execute("update sms.inflight set lease_until = now() - interval '1 minute'")
    async with Database(dsn) as db:
        assert await do(CHORES[0], db) == 3
    assert await states(conn) == {"uncertain": 1, "pending": 2}


async def test_a_number_that_the_provider_calls_malformed_is_learned_once(
    dsn: str, conn: AsyncConnection
) -> None:
    await factory.make_provider(conn, adapter="kannel")
    id_ = await factory.insert_outbox(conn)
    await factory.send(conn, id_)
    await factory.hear(conn, (id_, None, "16"), error="NACK/0x0000000b/Invalid Destination Address")
    [learn] = [chore for chore in CHORES if chore.name == "learn_numbers"]
    async with Database(dsn) as db:
        assert await do(learn, db) == 1
        assert await do(learn, db) == 0
    row = await factory.row(conn, "select msisdn, source from sms.blacklist")
    assert row == {"msisdn": factory.number(1), "source": "auto"}
    assert learn.every_s == 60


def test_no_two_chores_share_a_lock() -> None:
    assert len({chore.number for chore in CHORES}) == len(CHORES)


async def test_a_full_batch_is_followed_at_once_and_trouble_by_a_pause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping = asyncio.Event()
    answers: list[int | Exception] = [
        chores.AT_ONCE,
        chores.AT_ONCE,
        3,
        DatabaseAway("away"),
        DatabaseError("no such function"),
        DatabaseError("no such function"),
    ]
    pauses: list[float] = []

    async def doing(chore: Chore, db: Database) -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pause(event: asyncio.Event, seconds: float) -> bool:
        pauses.append(seconds)
        if not answers:
            stopping.set()
        return False

    monkeypatch.setattr(chores, "do", doing)
    monkeypatch.setattr(chores, "happens", pause)
    await keep_doing(CHORES[0], None, stopping)  # type: ignore[arg-type]
    assert [seconds >= chores.AFTER_TROUBLE_S for seconds in pauses] == [False, True, True, True]
    said = capsys.readouterr()
    assert (said.out + said.err).count("no such function") == 1
