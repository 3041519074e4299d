"""Attacks by real logins with the real roles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from secrets import token_hex

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from tests.security.lab import Lab, build, tear_down
from tests.support.databases import Databases

Login = Callable[..., Awaitable[AsyncConnection]]


@pytest.fixture
async def login(conn: AsyncConnection, dsn: str) -> AsyncIterator[Login]:
    """`await login("sms_analyst")` makes somebody with a password and connects as that person.

    Not SET ROLE and not SET SESSION AUTHORIZATION, from which there is a way back.
    """
    made: list[str] = []
    async with AsyncExitStack() as stack:

        async def connect(*member_of: str) -> AsyncConnection:
            name, password = f"eve_{token_hex(4)}", token_hex(8)
            made.append(name)
            await conn.execute(
                SQL("create role {} login password {}").format(Identifier(name), Literal(password))
            )
            for group in member_of:
                await conn.execute(
                    SQL("grant {} to {}").format(Identifier(group), Identifier(name))
                )
            address = make_conninfo(dsn, user=name, password=password)
            connection = await AsyncConnection.connect(address, autocommit=True)
            return await stack.enter_async_context(connection)

        yield connect
    for name in made:
        await conn.execute(SQL("drop owned by {} cascade").format(Identifier(name)))
        await conn.execute(SQL("drop role {}").format(Identifier(name)))


@pytest.fixture(scope="package")
def lab(databases: Databases) -> Iterator[Lab]:
    """One database for all attempts to break out; each leaves it as it was."""
    with databases.copy() as dsn:
        made = build(dsn)
        yield made
        tear_down(made)
