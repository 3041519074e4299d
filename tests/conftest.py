"""Fixtures of all tests: a server, a migrated database to oneself, connections, roles.

`dsn`         a database of its own for the test       `conn`  its owner's connection to it
`shared_dsn`  one database for all that only look on   `tx`    a connection to that, rolled back
`as_role`     connects to `dsn` as a role that has no more rights than production gives it
`cluster`     the server itself, to crash and restart it
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
import structlog
from psycopg import AsyncConnection, sql

from kannel import processes
from outbox import server_programs
from outbox.db import is_on_this_machine
from tests.support.databases import Databases
from tests.support.server import Server, find_server

AsRole = Callable[[str], Awaitable[AsyncConnection]]
ORIGIN = pytest.StashKey[str]()


def pytest_configure() -> None:
    """Workers of one run take ports apart: two that look at one moment find the same ones free."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        mine = slice(
            int(worker.removeprefix("gw")), None, int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        )
        processes.PORTS = processes.PORTS[mine]
        server_programs.PORTS = server_programs.PORTS[mine]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Kannel where it is not installed."""
    if Path("/usr/sbin/bearerbox").exists():
        return
    for item in items:
        if item.get_closest_marker("kannel"):
            item.add_marker(pytest.mark.skip(reason="Kannel is not installed"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which PostgreSQL it was."""
    if origin := config.stash.get(ORIGIN, None):
        terminalreporter.write_line(f"PostgreSQL of this run: {origin}")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Settings of the person who runs the tests must not steer them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("OUTBOX_") and name != "OUTBOX_TEST_DSN":
                patch.delenv(name)
        given = os.environ.get("OUTBOX_TEST_DSN")
        if given is not None and not is_on_this_machine(given):
            patch.setenv("OUTBOX_FAKE", "yes")  # else served only beside its database
        yield


@pytest.fixture(autouse=True)
def default_logs() -> Iterator[None]:
    """A command that ran inside the test set up its own logs; the next test starts without."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The PostgreSQL of this run."""
    found = find_server()
    with psycopg.connect(found.dsn) as conn:
        version = conn.info.server_version // 10_000
    pytestconfig.stash[ORIGIN] = f"{version}, {found.origin}"
    yield found
    found.close()


@pytest.fixture(scope="session")
def databases(server: Server) -> Iterator[Databases]:
    """Copies of a database that is migrated once."""
    from migrations.apply import migrate  # takes half a second, which unit tests need not spend

    made = Databases(server, migrate)
    yield made
    made.close()


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """A freshly migrated database for this test alone; all lanes are parked."""
    with databases.copy() as copy:
        yield copy


@pytest.fixture(scope="session")
def shared_dsn(databases: Databases) -> Iterator[str]:
    """A migrated database for every test that leaves nothing behind in it."""
    with databases.copy() as copy:
        yield copy


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[AsyncConnection]:
    """The owner's connection to the test's own database, each statement its own transaction."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def tx(shared_dsn: str) -> AsyncIterator[AsyncConnection]:
    """A transaction in the shared database, rolled back in the end; much faster than `conn`."""
    async with await AsyncConnection.connect(shared_dsn) as connection:
        yield connection
        await connection.rollback()


@pytest.fixture
async def as_role(dsn: str) -> AsyncIterator[AsRole]:
    """`await as_role('sms_erp')` connects to the test's own database with that role's rights."""
    async with AsyncExitStack() as stack:

        async def connect(role: str) -> AsyncConnection:
            connection = await AsyncConnection.connect(dsn, autocommit=True)
            await stack.enter_async_context(connection)
            become = sql.SQL("set session authorization {}").format(sql.Identifier(role))
            await connection.execute(become)
            return connection

        yield connect


@pytest.fixture
def cluster(server: Server) -> Server:
    """The server with leave to crash it: `cluster.restart()`."""
    if not server.can_restart:
        pytest.skip("the server in OUTBOX_TEST_DSN is not ours to restart")
    return server
