"""The stage of the tests of audiences: a few clients, and an analyst who writes SELECTs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from tests.support.factory import Row, make_provider, rows

Save = Callable[..., Awaitable[int]]

CLIENTS = """
    insert into erp.local_client (client_id, phone, city, time_zone, attributes)
    values (1, '8 907 000-00-01', 'Москва', 'Europe/Moscow', '{"name": "Анна"}'),
           (2, '89070000002', 'Казань', null, '{"name": "Пётр"}'),
           (3, 'нет', 'Москва', null, '{}')
"""


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction of the owner, rolled back in the end, with three clients."""
    await make_provider(tx)
    await tx.execute(CLIENTS)
    return tx


@pytest.fixture
def save(db: AsyncConnection) -> Save:
    """Save an audience with the rights of an analyst; an error leaves the transaction usable."""

    async def as_analyst(query: str, audience: str = "a", title: str | None = None) -> int:
        async with db.transaction():
            await db.execute("set local role sms_analyst")
            cursor = await db.execute(
                "select sms.save_audience(%s, %s, %s)", [audience, query, title]
            )
            (version,) = await cursor.fetchone() or (0,)
            await db.execute("reset role")
        return int(version)

    return as_analyst


async def people(db: AsyncConnection, audience: str = "a", limit: int | None = None) -> list[Row]:
    """Whom an audience selects, read with the rights of an analyst."""
    async with db.transaction():
        await db.execute("set local role sms_analyst")
        found = await rows(db, "select * from sms.run_audience(%s, %s)", audience, limit)
        await db.execute("reset role")
    return found


async def refusal(work: Awaitable[object]) -> psycopg.Error:
    """Expect an error of ours."""
    with pytest.raises(psycopg.Error) as caught:
        await work
    return caught.value


async def grant_login(conn: AsyncConnection, role: str, member_of: str) -> None:
    """Make somebody who may log in and belongs to a group role."""
    await conn.execute(
        SQL("create role {} login in role {}").format(Identifier(role), Identifier(member_of))
    )
