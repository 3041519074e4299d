"""Processes killed at random moments while a campaign runs: nobody is lost, nobody repeated."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from outbox.cluster import ROOT
from tests.campaigns.stage import NAME, Stage
from tests.chaos.books import audit, taken, until, until_nothing_is_left, until_taken
from tests.support.factory import value
from tests.support.outbox_process import Programs, with_rights_of

PEOPLE = 6_000
KILLS = 8


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts programs as the role sms_worker; leases are as short as they may be."""
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker"), lease_s=5) as programs:
        yield programs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the provider keeps its own record of what it took."""
    return tmp_path / "taken.jsonl"


async def open_lanes(conn: AsyncConnection, log: Path, *, tps: int) -> None:
    """Let the provider of the stage keep a record and take so many messages a second."""
    await conn.execute(
        "select sms.set_provider('post', p_tps => %s, p_settings => %s::jsonb)",
        [tps, f'{{"log": "{log}", "latency_ms": 20}}'],
    )


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_nobody_is_lost_or_repeated_when_workers_are_killed(
    stage: Stage, programs: Programs, log: Path
) -> None:
    conn = stage.conn
    await open_lanes(conn, log, tps=600)
    await stage.clients(PEOPLE)
    await stage.queue(500)
    workers = [await programs.running("worker") for _ in range(2)]
    await stage.launch()
    for turn, moment in enumerate(sorted(random.sample(range(50, PEOPLE * 3 // 4), KILLS))):
        await until_taken(log, moment)
        workers[turn % 2].kill()  # the one that feeds, or the one that waits to
        workers[turn % 2] = programs.start("worker")
        if turn == KILLS // 2:
            await stage.steer("pause")
            workers[0].kill()
            workers[0] = programs.start("worker")
            await stage.steer("resume")
    ended = "select state = 'finished' from sms.campaign_run"
    await until(conn, ended, patience_s=120)

    states = await audit(conn, log)
    run = await stage.progress()
    assert run["recipients"] == PEOPLE == states.total() == sum(run["states"].values())
    people = "select count(distinct client_id) = count(*) from sms.outbox"
    assert await value(conn, people)
    assert set(states) <= {"accepted", "uncertain"}


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_pause_and_stop_act_at_once_and_hold_through_kills(
    stage: Stage, programs: Programs, log: Path
) -> None:
    conn = stage.conn
    await open_lanes(conn, log, tps=400)
    await stage.clients(PEOPLE)
    await stage.queue(500)
    worker = await programs.running("worker")
    await stage.launch()
    await until_taken(log, 200)

    await stage.steer("pause")
    await until(conn, "select not exists (select from sms.inflight)")
    held = await stage.progress()
    worker.kill()
    worker = await programs.running("worker")
    await asyncio.sleep(2)  # a second process would feed or send by now
    assert (await stage.progress())["decided"] == held["decided"]
    assert held["waiting"] > PEOPLE // 2

    await stage.steer("resume")
    await until_taken(log, held["decided"] + 200)
    await stage.steer("stop")
    worker.kill()
    gone = taken(log)
    worker = await programs.running("worker")
    await until_nothing_is_left(conn)

    assert taken(log) == gone  # what came back from the killed one is not sent after all
    run = await stage.progress()
    states = await audit(conn, log)
    assert run["state"] == "stopped"
    assert run["unsent"] + states.total() == PEOPLE
    assert run["suppressed"] == {"campaign_stopped": states["suppressed"]}
    swept = "select not exists (select from sms.run_recipient)"
    await until(conn, swept)


@pytest.mark.chaos
@pytest.mark.timeout(120)
async def test_a_killed_launcher_is_carried_on_by_a_worker(
    stage: Stage, programs: Programs, log: Path, dsn: str
) -> None:
    conn = stage.conn
    await open_lanes(conn, log, tps=2000)
    await stage.clients(300)
    await stage.audience(
        "slow",
        """
        select c.client_id, c.phone from erp.client as c
         where (select count(*) from generate_series(1, 60000) as n where n <> c.client_id) > 0
        """,
    )
    await stage.save(audience="slow")
    launcher = subprocess.Popen(  # noqa: ASYNC220 - it is killed before it is waited for
        [sys.executable, "-m", "cli", "campaign", "launch", NAME],
        env={"OUTBOX_DSN": with_rights_of(dsn, "sms_operator")},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    await until(conn, "select exists (select from sms.campaign_run where state = 'freezing')")
    launcher.kill()
    launcher.wait()
    assert await value(conn, "select count(*) from sms.run_recipient") == 0

    await programs.running("worker")
    await until(conn, "select state = 'finished' from sms.campaign_run")

    assert (await stage.progress())["recipients"] == 300
    assert await audit(conn, log) == {"accepted": 300}
