"""`outbox dlr` as a process: it hears receipts of every account, also of one made later."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from psycopg import AsyncConnection

from outbox.cluster import ROOT
from outbox.tokens import account_token
from tests.support import factory

TOKEN = "t" * 20
PATIENCE_S = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """The receipt server until the block ends, and a client of it; it must end with 0."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "dlr", cwd=ROOT, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "OUTBOX_DSN": dsn, "OUTBOX_DLR_PORT": str(port),
             "OUTBOX_DLR_TOKEN": TOKEN},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while b"dlr_listening" not in (line := await process.stderr.readline()):
                assert line, "the server ended"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()


async def accepted(conn: AsyncConnection, number: int, *, provider: str) -> int:
    """A message that the provider has taken."""
    id_ = await factory.insert_outbox(conn, phone=str(factory.number(number)), not_before=None)
    claimed = await factory.claim(conn, as_of=None, provider=provider)
    await factory.settle(conn, claimed.claim_id, claimed.ids)
    return id_


async def test_receipts_are_stored_before_they_are_answered(
    dsn: str, conn: AsyncConnection
) -> None:
    await factory.make_provider(conn)
    first = await accepted(conn, 1, provider="post")
    async with serving(dsn) as client:
        reply = await client.get(
            f"/fake/post/{account_token(TOKEN, 'post')}/{first}?code=delivered"
        )
        assert reply.status_code == 200
        state = "select m.state from sms.message as m where m.id = %s"
        assert await factory.value(conn, state, first) == "delivered"
        wrong = await client.get(f"/fake/post/{'x' * 20}/{first}?code=delivered")
        assert wrong.status_code == 404

        await factory.make_provider(conn, "late")
        second = await accepted(conn, 2, provider="late")
        async with asyncio.timeout(PATIENCE_S):
            path = f"/fake/late/{account_token(TOKEN, 'late')}/{second}?code=delivered"
            while (await client.get(path)).status_code == 404:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        assert await factory.value(conn, state, second) == "delivered"
