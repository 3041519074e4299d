"""Connections to the database: a small pool that heals by itself, and a way to call through it.

Work connections are in autocommit: one SQL function is one transaction and one round trip. They
keep no session state (no SET, no session lock, no LISTEN), so they may go through PgBouncer in
transaction mode; with PgBouncer before 1.21, prepared statements must be off too
(`Settings.prepares`). What needs a session, the bell, opens its own connection.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Concatenate, ParamSpec, Self, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from outbox import cluster
from outbox.errors import DatabaseAway, DatabaseBusy, SettingsMistake, TransientError, from_psycopg
from outbox.hosts import is_loopback
from outbox.settings import Settings

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 5
BUSY_TOLD_S = 10.0  # between two warnings that the database is busy
PREPARE_AFTER = 5  # psycopg's default: a statement is prepared at its fifth use

# A server that vanished without a word is noticed in half a minute, not in two hours.
KEEPALIVES = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}

P = ParamSpec("P")
T = TypeVar("T")


def find_dsn(settings: Settings) -> str:
    """OUTBOX_DSN where it is set, else this clone's private cluster (ClusterError: not made)."""
    return settings.dsn or cluster.private().url


def with_login(settings: Settings, login: str) -> Settings:
    """The settings of a program that works in the private cluster as this small login."""
    if settings.dsn is not None:
        return settings
    return settings.model_copy(update={"dsn": cluster.private().url_of(login)})


def is_on_this_machine(dsn: str) -> bool:
    """Whether every server that a DSN names is reached without leaving this machine."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return False
    if "service" in given or "PGSERVICE" in os.environ:
        return False  # a file says where, and may say otherwise tomorrow
    named = given.get("hostaddr") or given.get("host") or os.environ.get("PGHOST") or ""
    return all(not host or host[0] in "/@" or is_loopback(host) for host in str(named).split(","))


async def connect(dsn: str, *, name: str, prepare: bool = True) -> AsyncConnection:
    """Open one autocommit connection that shows up as `name` in pg_stat_activity."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise SettingsMistake(f"OUTBOX_DSN is no connection string: {_line(error)}.") from None
    defaults = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": name, **KEEPALIVES}
    with sentences():
        return await AsyncConnection.connect(
            dsn,
            autocommit=True,
            prepare_threshold=PREPARE_AFTER if prepare else None,
            **{key: value for key, value in defaults.items() if key not in given},  # type: ignore[arg-type]
        )


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what the driver raises inside into `outbox.errors`."""
    try:
        yield
    except psycopg.Error as error:
        raise from_psycopg(error) from error


async def try_out(
    settings: Settings, function: Callable[[AsyncConnection], Awaitable[T]], *, name: str
) -> T:
    """Call the database once, before a program starts that would wait for it for ever."""
    conn = await connect(find_dsn(settings), name=name, prepare=False)
    try:
        with sentences():
            return await function(conn)
    finally:
        await conn.close()


class Database:
    """At most `size` connections, opened when needed; a broken one is replaced at the next call.

    After an outage the first call that finds the server again is served: there is no timer in
    between. Every failure a caller sees is one of `outbox.errors`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 8,
        name: str = "outbox",
        prepare: bool = True,
        timeout_s: float = 30,
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._prepare = prepare
        self._timeout_s = timeout_s
        self._idle: list[AsyncConnection] = []
        self._places = asyncio.Semaphore(size)
        self._away_since: float | None = None
        self._busy_told = -BUSY_TOLD_S

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def call(
        self,
        function: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run one function of `outbox.calls` on a connection of its own transaction."""
        async with self.connection() as conn:
            return await function(conn, *args, **kwargs)

    @asynccontextmanager
    async def connection(self, *, timeout_s: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Lend a connection; what is done on it may take `timeout_s` seconds in all."""
        try:
            async with self._places, asyncio.timeout(timeout_s or self._timeout_s):
                conn = await self._take()
                try:
                    yield conn
                finally:
                    await self._give_back(conn)
        except psycopg.Error as error:
            raise self._note(from_psycopg(error)) from error
        except TransientError as error:
            raise self._note(error) from error.__cause__
        except TimeoutError as error:
            raise self._note(DatabaseAway("The database is away: it does not answer.")) from error
        self._note_success()

    async def _take(self) -> AsyncConnection:
        while self._idle:
            conn = self._idle.pop()  # the youngest: the others may rest and be forgotten
            if not conn.closed:
                return conn
        return await connect(self._dsn, name=self._name, prepare=self._prepare)

    async def _give_back(self, conn: AsyncConnection) -> None:
        if conn.closed or conn.pgconn.transaction_status != TransactionStatus.IDLE:
            await conn.close()
            # What killed this one has most likely killed its neighbours.
            idle, self._idle = self._idle, []
            for other in idle:
                await other.close()
        else:
            self._idle.append(conn)

    def _note(self, error: T) -> T:
        if isinstance(error, DatabaseAway) and self._away_since is None:
            self._away_since = time.monotonic()
            log.warning("database_away", error=str(error))
        elif isinstance(error, DatabaseBusy) and time.monotonic() - self._busy_told >= BUSY_TOLD_S:
            # Once is nothing; but where every claim is cancelled, somebody must be able to see why.
            self._busy_told = time.monotonic()
            log.warning("database_busy", error=str(error))
        return error

    def _note_success(self) -> None:
        if self._away_since is not None:
            seconds = round(time.monotonic() - self._away_since, 1)
            self._away_since = None
            log.info("database_back", seconds=seconds)


def open_database(settings: Settings, *, name: str, size: int = 8) -> Database:
    """The database the settings name."""
    return Database(
        find_dsn(settings),
        size=size,
        name=name,
        prepare=settings.prepares,
        timeout_s=settings.call_timeout_s,
    )


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
