"""A stuck operator under a real worker: the queue stays in Postgres, the urgent go elsewhere."""

from __future__ import annotations

from functools import partial

import pytest
from psycopg import AsyncConnection

from outbox.settings import load
from tests.support import factory
from tests.support.kannel_page import STATUS_ENV, TwoLinks, two_links
from tests.support.waiting import eventually
from tests.worker.conftest import insert, running

pytestmark = pytest.mark.kannel

MAX_QUEUED = 40
SECRET_ENV = "OUTBOX_SECRET_KANNEL"


async def make(conn: AsyncConnection, kannel: TwoLinks, link: str) -> None:
    await factory.make_provider(
        conn,
        f"kannel_{link}",
        adapter="kannel",
        secret_env=SECRET_ENV,
        tps=2000,
        settings=kannel.settings(link, max_queued=MAX_QUEUED, sender_id="BANK"),
    )


def held_by(kannel: TwoLinks) -> int:
    """How many messages Kannel has not finished with."""
    status = kannel.boxes.status() or "<storesize>-1</storesize>"
    return int(status.partition("<storesize>")[2].partition("<")[0])


async def test_a_stuck_operator_leaves_the_backlog_in_postgres_and_the_urgent_go_elsewhere(
    conn: AsyncConnection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATUS_ENV, "kannel-status")
    async with two_links() as kannel:
        monkeypatch.setenv(SECRET_ENV, kannel.boxes.password)
        kannel.centres["mts"].set_mode("slow")
        await factory.set_quiet_hours(conn)
        await factory.set_caps(conn)
        await make(conn, kannel, "beeline")
        await make(conn, kannel, "mts")
        await conn.execute("select sms.switch_channel('*', 'kannel_beeline')")
        await conn.execute("select sms.switch_channel('mass', 'kannel_mts')")
        await insert(conn, 400, channel="mass")
        async with running(load(dsn=dsn, poll_s=0.2, worker_name="a test")):
            await eventually(lambda: held_by(kannel) >= MAX_QUEUED - 10)
            most = 0

            def have_arrived(count: int) -> bool:
                return len(kannel.texts("beeline")) >= count

            for start in range(500, 560, 10):
                await insert(conn, 10, channel="otp", first=start)
                await eventually(partial(have_arrived, start - 490))
                most = max(most, held_by(kannel))
        [row] = await factory.rows(conn, "select count(*) as waiting from sms.pending")
        assert len(kannel.texts("beeline")) == 60
    # Two claimers that look at the same moment both see room, so there may be twice as many.
    assert MAX_QUEUED - 10 <= most <= 2 * MAX_QUEUED
    assert row["waiting"] >= 400 - 2 * MAX_QUEUED
