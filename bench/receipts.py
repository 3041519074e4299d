"""Delivery reports over HTTP, each answered after its commit."""

from __future__ import annotations

import asyncio
import time

from bench.lab import Lab
from outbox.server_programs import free_port
from outbox.tokens import account_token

TOKEN = "bench-bench-bench-bench"
OWN = account_token(TOKEN, "fake")
CONNECTIONS = 64
READY_S = 30
ACCEPTED = """
    select o.id from sms.outcome as o where o.state = 'accepted' order by o.id desc limit %s
"""


def receipts_over_http(lab: Lab) -> None:
    """The real receipt server; callers wait for each answer before they call again."""
    with lab.connect() as conn:
        ids = [id_ for (id_,) in conn.execute(ACCEPTED, (lab.sizes.reported,))]
    if len(ids) < lab.sizes.reported:
        raise RuntimeError("too few messages await a receipt")
    port = free_port()
    with lab.program(
        "-m", "cli", "dlr", OUTBOX_DLR_TOKEN=TOKEN, OUTBOX_DLR_PORT=str(port)
    ) as server:
        asyncio.run(wait_for(port))
        with lab.measure(server.pid) as spent:
            asyncio.run(_report(port, ids))
    with lab.connect() as conn:
        row = conn.execute(
            "select count(*) from sms.outcome as o where o.id = any (%s) and o.state = 'delivered'",
            (ids,),
        ).fetchone()
    if row is None or row[0] != len(ids):
        raise RuntimeError("not every receipt arrived")
    lab.note("http.rate", len(ids) / spent.seconds)
    lab.note("http.us", (spent.server_us + spent.own_us) / len(ids))


async def _report(port: int, ids: list[int]) -> None:
    await asyncio.gather(*(_call(port, ids[place::CONNECTIONS]) for place in range(CONNECTIONS)))


async def _call(port: int, ids: list[int]) -> None:
    """One keep-alive connection, by hand: a client library would cost more than the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for id_ in ids:
        writer.write(
            f"GET /fake/fake/{OWN}/{id_}?code=delivered HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the receipt server answered {head.splitlines()[0]!r}")
        await reader.readexactly(length_of(head))
    writer.close()


def length_of(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


async def wait_for(port: int) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
