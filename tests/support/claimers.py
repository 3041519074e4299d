"""Workers that claim at once and lose their connections, for proofs that rules stay exact."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import AsyncConnection

from tests.support.factory import Claim, claim, value

Deal = Callable[[AsyncConnection, Claim], Awaitable[None]]


class Claimers:
    """Workers that claim until nothing waits, whatever happens to them.

    `deal` is what each does with what it claimed; without it claims stay open.
    """

    def __init__(
        self, dsn: str, *, deal: Deal | None = None, workers: int = 8, batch: int = 100
    ) -> None:
        self.deaths = 0
        self._dsn = dsn
        self._deal = deal
        self._workers = workers
        self._batch = batch
        self._backends: dict[int, int] = {}

    async def run(self) -> None:
        """Until nothing waits any more."""
        async with asyncio.TaskGroup() as group:
            killer = group.create_task(self._kill())
            async with asyncio.TaskGroup() as working:
                for worker in range(self._workers):
                    working.create_task(self._work(worker))
            killer.cancel()

    async def _work(self, worker: int) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self._dsn, autocommit=True) as conn:
                    self._backends[worker] = conn.info.backend_pid
                    await self._drain(conn)
                    return
            except psycopg.OperationalError:
                self.deaths += 1

    async def _drain(self, conn: AsyncConnection) -> None:
        while await value(conn, "select exists (select from sms.pending)"):
            claimed = await claim(conn, as_of=None, limit=self._batch)
            if self._deal and claimed.ids:
                await self._deal(conn, claimed)

    async def _kill(self) -> None:
        chance = random.Random(7)
        async with await AsyncConnection.connect(self._dsn, autocommit=True) as conn:
            while True:
                await asyncio.sleep(0.02)
                backend = self._backends.get(chance.randrange(self._workers))
                await conn.execute("select pg_terminate_backend(%s)", [backend])
