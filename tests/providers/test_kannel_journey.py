"""From INSERT to delivered through the real worker, Kannel, message centre and receipt server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter

import pytest
from psycopg import AsyncConnection

from tests.support import factory
from tests.support.kannel_lab import PROVIDER, TOKEN, Lab

pytestmark = pytest.mark.kannel

LONG = "Напоминаем о платеже. " * 40


async def drain(dsn: str, lab: Lab) -> tuple[int, str]:
    """Exit code and log of `outbox run --drain`."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OUTBOX_")
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "run", "--drain", "--receipt-wait", "20s"),
        env=environment
        | {
            "OUTBOX_DSN": dsn,
            "OUTBOX_DLR_TOKEN": TOKEN,
            "OUTBOX_DLR_PORT": str(lab.dlr_port),
            "OUTBOX_SECRET_KANNEL": lab.boxes.password,
            "OUTBOX_SECRET_KANNEL_STATUS": lab.boxes.status_password,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_messages_go_out_whole_and_come_back_delivered(
    lab: Lab, dsn: str, conn: AsyncConnection
) -> None:
    await factory.make_provider(
        conn,
        PROVIDER,
        adapter="kannel",
        secret_env="OUTBOX_SECRET_KANNEL",
        tps=5000,
        settings={
            "url": lab.boxes.sendsms_url,
            "username": lab.boxes.username,
            "smsc": lab.boxes.smsc_id,
            "admin_url": lab.boxes.admin_url,
            "status_secret_env": "OUTBOX_SECRET_KANNEL_STATUS",
            "sender_id": "BANK",
        },
    )
    numbers = [factory.number(n) for n in range(100)]
    ids = await factory.column(
        conn,
        """
        insert into sms.outbox (phone, body)
        select '+' || number, %s || number from unnest(%s::bigint[]) as number
        returning id
        """,
        LONG,
        numbers,
    )
    code, output = await drain(dsn, lab)
    while "pending" in await factory.states(conn, *ids):  # put off by a gateway short of breath
        assert code == 0, output
        code, output = await drain(dsn, lab)
    assert code == 0, output
    others = "select state, detail from sms.message where state not in ('delivered', 'undelivered')"
    assert await factory.rows(conn, others) == []
    states = await factory.states(conn, *ids)
    assert Counter(states) == {"delivered": 90, "undelivered": 10}  # a 9 at the end: undelivered
    assert lab.texts() == {number: f"{LONG}{number}" for number in numbers}
    assert await factory.nothing_unaccounted(conn)
    assert TOKEN not in output
    assert not any(str(number) in output or LONG[:20] in output for number in numbers)
