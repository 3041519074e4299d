"""The worker as a whole, on a real database, with the fake provider's own record as witness."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from psycopg import AsyncConnection, sql

from outbox import calls
from outbox.cluster import ROOT
from outbox.errors import DatabaseAway
from outbox.settings import Settings
from tests.support import factory
from tests.support.server import Server
from tests.worker.conftest import Fake, eventually, insert, running, states, until

KILL = """
    select pg_terminate_backend(a.pid)
      from pg_stat_activity as a
     where a.datname = current_database() and a.application_name like 'outbox%'
"""


async def test_it_sends_what_waits_and_what_comes_and_hears_the_receipts(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(receipt_delay_ms=10)
    await insert(conn, 1200)
    async with running(settings):
        await until(conn, {"delivered": 1200})
        await insert(conn, 1, channel="single", first=5000)
        await insert(conn, 1, channel="mass", first=6000)
        await until(conn, {"delivered": 1202})
    assert len(fake.sent()) == len(set(fake.sent())) == 1202
    assert await calls.count_unaccounted(conn) == 0


async def test_a_claim_that_judged_all_away_is_followed_by_the_next_at_once(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    """The first thousand are blacklisted; the poll is a minute away."""
    await conn.execute(
        """
        insert into sms.blacklist (msisdn, reason)
        select 79070000000 + g, 'stop' from generate_series(0, 999) as g
        """
    )
    await insert(conn, 1000)
    await insert(conn, 5, first=1000)
    async with running(settings):
        await until(conn, {"suppressed": 1000, "accepted": 5})


async def test_stopping_hands_back_what_was_not_sent_and_costs_it_no_attempt(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.pace(100)
    await insert(conn, 500)
    async with running(settings):
        await eventually(lambda: _value(conn, "select count(*) > 0 from sms.outcome"))
    seen = await states(conn)
    assert set(seen) == {"pending", "accepted"}
    assert seen["accepted"] == len(fake.sent()) == len(set(fake.sent()))
    assert seen["accepted"] + seen["pending"] == 500
    assert await _value(conn, "select max(attempt) from sms.pending") == 0


async def test_stopping_waits_for_sends_in_flight(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=800)
    await insert(conn, 10)
    async with running(settings):
        await eventually(lambda: _sent(fake, 10))
    assert await states(conn) == {"accepted": 10}


async def test_a_send_that_outlasts_the_grace_period_is_uncertain(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=60_000)
    await insert(conn, 10)
    async with running(settings.model_copy(update={"grace_s": 0.2})):
        await eventually(lambda: _sent(fake, 10))
    assert await states(conn) == {"uncertain": 10}


async def test_asked_twice_it_ends_at_once_and_leaves_the_rest_to_the_lease(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=60_000)
    await insert(conn, 10)
    async with running(settings) as worker:
        await eventually(lambda: _sent(fake, 10))
        worker.stop.ask()
        worker.stop.ask()
        async with asyncio.timeout(20):
            await worker.task
    assert set(await states(conn)) <= {"inflight", "uncertain"}  # as far as settling came
    await conn.execute("update sms.inflight set lease_until = now() - interval '1 minute'")
    async with running(settings):
        await until(conn, {"uncertain": 10})
    assert len(fake.sent()) == 10


async def test_it_survives_the_loss_of_all_its_connections(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=5)
    await insert(conn, 4000)
    async with running(settings.model_copy(update={"lease_s": 5, "claim_limit": 100})):
        for n in range(4):
            await asyncio.sleep(0.15)
            await conn.execute(KILL)
            await insert(conn, 1, channel="single", first=9000 + n)
        await eventually(lambda: _value(conn, "select count(*) = 4004 from sms.outcome"))
    sent = fake.sent()
    assert len(sent) == len(set(sent))
    seen = await states(conn)
    assert seen["accepted"] + seen.get("uncertain", 0) == 4004
    assert seen["accepted"] <= len(sent)


@pytest.mark.chaos
async def test_it_survives_a_crash_of_the_server(
    settings: Settings, dsn: str, conn: AsyncConnection, fake: Fake, cluster: Server
) -> None:
    await fake.change(latency_ms=20)
    await insert(conn, 2000)
    async with running(settings.model_copy(update={"lease_s": 5, "claim_limit": 50})):
        await eventually(lambda: _sent(fake, 100))
        await asyncio.to_thread(cluster.restart)
        async with await AsyncConnection.connect(dsn, autocommit=True) as again:
            await eventually(lambda: _value(again, "select count(*) = 2000 from sms.outcome"))
            await insert(again, 1, channel="single", first=9000)
            await eventually(lambda: _value(again, "select count(*) = 2001 from sms.outcome"))
            seen = await states(again)
    sent = fake.sent()
    assert len(sent) == len(set(sent))
    assert seen["accepted"] + seen.get("uncertain", 0) == 2001


async def test_results_survive_an_outage_that_ends_before_the_lease(
    settings: Settings, dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    """Nobody may log in while the provider answers; the results are settled afterwards."""
    await fake.change(latency_ms=1000)
    await insert(conn, 50)
    name = sql.Identifier(dsn.rsplit("/", 1)[1])
    allow = sql.SQL("alter database {} allow_connections {}")
    async with (
        await AsyncConnection.connect(f"{dsn.rsplit('/', 1)[0]}/postgres", autocommit=True) as root,
        running(settings),
    ):
        await eventually(lambda: _sent(fake, 50))
        await root.execute(allow.format(name, sql.SQL("false")))
        await conn.execute(KILL)
        await asyncio.sleep(1.5)
        assert await states(conn) == {"inflight": 50}
        await root.execute(allow.format(name, sql.SQL("true")))
        await until(conn, {"accepted": 50})


async def test_it_follows_the_providers_table_without_a_restart(
    settings: Settings, conn: AsyncConnection, fake: Fake, tmp_path: Path
) -> None:
    async with running(settings):
        await calls.set_provider(conn, provider=factory.PROVIDER, is_enabled=False)
        await asyncio.sleep(0.3)
        await insert(conn, 3, channel="single")
        await asyncio.sleep(0.3)
        assert await states(conn) == {"pending": 3}
        await factory.make_provider(conn, "second", tps=1000, settings={})
        await until(conn, {"accepted": 3})
        assert fake.sent() == []
        await calls.set_provider(conn, provider=factory.PROVIDER, is_enabled=True)
        await calls.switch_channel(conn, channel="*", provider=factory.PROVIDER)
        await insert(conn, 2, channel="single", first=10)
        await until(conn, {"accepted": 5})
        assert len(fake.sent()) == 2


async def test_a_changed_pace_is_followed_without_a_restart(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.pace(0.1)
    await insert(conn, 300)
    async with running(settings):
        await eventually(lambda: _sent(fake, 1))
        await fake.pace(100_000)
        await until(conn, {"accepted": 300}, patience_s=60)


async def test_one_unusable_provider_does_not_stop_the_others(
    settings: Settings, conn: AsyncConnection, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    await factory.insert(conn, "provider", provider="odd", adapter="smoke_signals")
    await factory.insert(
        conn, "provider", provider="mute", adapter="fake", secret_env="OUTBOX_SECRET_NONE"
    )
    await insert(conn, 3)
    async with running(settings):
        await until(conn, {"accepted": 3})
    said = capsys.readouterr()
    assert "smoke_signals" in said.out + said.err
    assert "OUTBOX_SECRET_NONE" in said.out + said.err


async def test_a_bulk_claimer_stuck_in_a_slow_send_does_not_hold_up_the_rest(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=3000)
    await insert(conn, 5)
    async with running(settings.model_copy(update={"poll_s": 0.3})):
        await eventually(lambda: _sent(fake, 5))
        await insert(conn, 5, first=5)
        await eventually(lambda: _sent(fake, 10))
        assert await states(conn) == {"inflight": 10}


async def test_a_slow_answer_does_not_hold_up_the_next_urgent_message(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.change(latency_ms=3000)
    async with running(settings):
        for n in range(4):
            await insert(conn, 1, channel="otp", first=n)
            await eventually(lambda n=n: _sent(fake, n + 1))  # type: ignore[misc]
        assert await states(conn) == {"inflight": 4}


async def test_a_provider_that_cannot_be_opened_is_tried_again(
    settings: Settings, conn: AsyncConnection, fake: Fake, tmp_path: Path
) -> None:
    log = tmp_path / "later" / "sent.jsonl"
    await fake.change(log=str(log))
    await insert(conn, 1)
    async with running(settings):
        await asyncio.sleep(0.3)
        log.parent.mkdir()
        await until(conn, {"accepted": 1})
    assert log.exists()


async def test_poll_only_works_and_leaves_no_session_state(
    settings: Settings, conn: AsyncConnection, fake: Fake
) -> None:
    """As behind PgBouncer in transaction mode: no LISTEN, no session lock, nothing prepared."""
    async with running(settings.model_copy(update={"listen_dsn": "none", "poll_s": 0.2})):
        for n in range(8):
            await insert(conn, 2, channel="single", first=10 * n)
            await until(conn, {"accepted": 2 * n + 2})
        held = await factory.value(
            conn,
            """
            select count(*) from pg_locks as l
              join pg_stat_activity as a using (pid)
             where a.application_name like 'outbox%' and a.datname = current_database()
               and l.locktype = 'advisory' and a.state = 'idle'
            """,
        )
        assert held == 0


async def test_a_database_that_is_away_at_the_start_is_said_in_one_sentence(
    settings: Settings,
) -> None:
    away = settings.model_copy(update={"dsn": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(DatabaseAway, match="The database is away"):
        async with running(away):
            pass


async def test_a_process_that_gets_sigterm_hands_back_and_exits_with_0(
    dsn: str, conn: AsyncConnection, fake: Fake
) -> None:
    await fake.pace(200)
    await insert(conn, 1000)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "worker",
        cwd=ROOT,
        env={**os.environ, "OUTBOX_DSN": dsn},
        stderr=asyncio.subprocess.PIPE,
    )
    await eventually(lambda: _sent(fake, 50))
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    seen = await states(conn)
    assert set(seen) == {"pending", "accepted"}
    assert seen["accepted"] == len(fake.sent())


async def _value(conn: AsyncConnection, query: str) -> object:
    row = await (await conn.execute(query.encode())).fetchone()
    assert row is not None
    return row[0]


async def _sent(fake: Fake, at_least: int) -> bool:
    return len(fake.sent()) >= at_least
