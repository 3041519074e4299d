"""Everybody of these tests logs in for real, with the real roles.

Not SET ROLE and not SET SESSION AUTHORIZATION, from which there is a way back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from psycopg import AsyncConnection

from tests.security.lab import Lab, build, tear_down
from tests.support.databases import Databases
from tests.support.logins import Logins, logins
from tests.support.logins import login as log_in

Login = Callable[..., Awaitable[AsyncConnection]]


@pytest.fixture
async def people(conn: AsyncConnection, dsn: str) -> AsyncIterator[Logins]:
    """`await people.connect('anna', 'sms_operator')` logs in to the test's own database."""
    async with logins(conn, dsn) as made:
        yield made


@pytest.fixture
async def login(dsn: str) -> AsyncIterator[Login]:
    """`await login("sms_analyst")` connects as somebody new who is a member of these groups."""
    async with AsyncExitStack() as stack:

        async def connect(*groups: str) -> AsyncConnection:
            return await stack.enter_async_context(log_in(dsn, *groups))

        yield connect


@pytest.fixture(scope="module")
def lab(databases: Databases) -> Iterator[Lab]:
    """One database for all attempts of a file; each leaves it as it was."""
    with databases.copy() as dsn:
        made = build(dsn)
        yield made
        tear_down(made)
