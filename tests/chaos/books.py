"""Fills the queue, waits for it, and holds the provider's own record against the database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import LiteralString

from psycopg import AsyncConnection

from tests.support import factory
from tests.support.waiting import eventually

TAKEN = {"accepted", "delivered"}
NOTHING_LEFT: LiteralString = """
    select not exists (select from sms.pending) and not exists (select from sms.inflight)
"""


async def open_provider(conn: AsyncConnection, log: Path, *, tps: int, **settings: object) -> None:
    """Point every lane at the fake provider, which keeps a record, and let it send at any hour."""
    await factory.make_provider(conn, tps=tps, settings={"log": str(log), **settings})
    await factory.set_quiet_hours(conn)


async def fill(conn: AsyncConnection, count: int, *, channel: str = "mass", after: int = 0) -> None:
    """Insert so many messages in one statement, each to a number of its own."""
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body)
        select %s, (%s + n)::text, 'Сообщение ' || n from generate_series(1, %s) as n
        """,
        [channel, factory.number(after), count],
    )


async def until(
    conn: AsyncConnection, question: LiteralString, *params: object, patience_s: float = 60
) -> None:
    """Return as soon as the query's only value is true."""
    async with asyncio.timeout(patience_s):
        while not await factory.value(conn, question, *params):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)


async def until_nothing_is_left(conn: AsyncConnection) -> None:
    """Wait until every message has left the queue."""
    await until(conn, NOTHING_LEFT)


async def until_taken(log: Path, count: int) -> None:
    """Return as soon as the provider took so many messages."""
    await eventually(lambda: log.exists() and log.read_bytes().count(b"\n") >= count, patience_s=60)


def taken(log: Path) -> Counter[int]:
    """How often the provider took each message, by its own record."""
    if not log.exists():
        return Counter()
    return Counter(int(json.loads(line)["id"]) for line in log.read_text().splitlines())


async def audit(conn: AsyncConnection, log: Path) -> Counter[str]:
    """Nothing is lost, strayed or doubled, and doubt is where it may be; messages by state."""
    record = taken(log)
    seen = await factory.rows(conn, "select id, state from sms.message")
    states = {message["id"]: message["state"] for message in seen}
    marked = set(await factory.column(conn, "select unnest(ids) from sms.submitting"))
    lost = [id_ for id_, state in states.items() if state in TAKEN and id_ not in record]
    strayed = {
        id_: states.get(id_) for id_ in record if states.get(id_) not in TAKEN | {"uncertain"}
    }
    doubled = [id_ for id_, times in record.items() if times > 1]
    guessed = [id_ for id_, state in states.items() if state == "uncertain" and id_ not in marked]
    assert await factory.nothing_unaccounted(conn)
    assert not lost, f"{len(lost)} are said to be taken, but the provider never saw them"
    said = dict(Counter(strayed.values()))
    assert not strayed, f"the provider has messages of which the database says otherwise: {said}"
    assert not doubled, f"{len(doubled)} were submitted more than once"
    assert not guessed, f"{len(guessed)} are uncertain though never marked as being submitted"
    return Counter(states.values())
