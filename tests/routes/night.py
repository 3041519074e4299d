"""A night played through second by second: what workers meet, and what the breakers make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tests.support import factory
from tests.support.clock import NOON


@dataclass(slots=True)
class Night:
    """The clock of a test; nothing happens but what it says."""

    db: AsyncConnection
    now: datetime = NOON
    epochs: dict[str, int] = field(default_factory=dict)

    async def begin(self, *providers: str, **policy: Any) -> None:
        """Make providers whose breakers were closed an hour ago, all with this policy."""
        for provider in providers:
            await factory.make_provider(self.db, provider, point_lanes=False)
        await self.db.execute(
            "update sms.breaker set since = %(at)s, returned_at = null",
            {"at": self.now - timedelta(hours=1)},
        )
        if policy:
            await self.db.execute("select sms.set_breaker('*', %s)", [Jsonb(policy)])

    async def meet(self, provider: str, *, worker: str = "w1", **what: Any) -> None:
        """A worker reports what it met in the last second, in the present epoch."""
        report = {"provider": provider, "epoch": await self.epoch(provider), **what}
        await self.db.execute(
            "select sms.report_health(%s, %s, %s)", [worker, Jsonb([report]), self.now]
        )

    async def epoch(self, provider: str) -> int:
        if "" in self.epochs:  # a worker that has not heard of the changes
            return self.epochs[""]
        return int(await factory.value(self.db, _EPOCH, provider))

    async def pass_s(self, seconds: float = 1) -> factory.Row:
        """Let time pass, then look once; what moved."""
        self.now += timedelta(seconds=seconds)
        return await factory.row(self.db, "select * from sms.watch_routes(%s)", self.now)

    async def states(self) -> dict[str, str]:
        """The breaker of each provider."""
        found = await factory.rows(self.db, _STATES)
        return {row["provider"]: row["state"] for row in found}

    async def state(self, provider: str) -> str:
        return (await self.states())[provider]

    async def serving(self, channel: str, operator: str = "other") -> str | None:
        """Who serves a lane."""
        lane = await factory.row(self.db, _LANE, channel, operator)
        return lane["provider"]  # type: ignore[no-any-return]

    async def lanes(self) -> dict[str | None, int]:
        """How many lanes each provider serves."""
        found = await factory.rows(self.db, _LANES)
        return {row["provider"]: row["n"] for row in found}

    async def lane_changes(self) -> list[factory.Row]:
        return await factory.rows(self.db, "select * from sms.lane_change order by change_id")

    async def causes(self, provider: str) -> list[tuple[str, str]]:
        """How a breaker moved: (to, cause), oldest first."""
        found = await factory.rows(self.db, _MOVES, provider)
        return [(row["to_state"], row["cause"]) for row in found]

    async def fall_ill(self, provider: str) -> None:
        """Nothing is heard from it for longer than its policy allows."""
        await self.meet(provider, outstanding=20, silence_s=60)
        await self.pass_s()
        assert await self.state(provider) == "open"

    async def recover(self, provider: str) -> None:
        """Wait for its cool-down, then let every probe be taken."""
        while await self.state(provider) == "open":
            await self.pass_s()
        await self.meet(provider, accepted=20)
        await self.pass_s()
        assert await self.state(provider) == "closed"


_EPOCH = """
    select b.epoch from sms.breaker as b join sms.provider as p using (provider_id)
     where p.provider = %s
"""
_STATES = (
    "select p.provider, b.state from sms.breaker as b join sms.provider as p using (provider_id)"
)
_LANE = "select s.provider from sms.lane_status as s where s.channel = %s and s.operator = %s"
_LANES = "select s.provider, count(*) as n from sms.lane_status as s group by s.provider"
_MOVES = """
    select c.to_state, c.cause from sms.breaker_change as c
     where c.provider = %s order by c.change_id
"""
