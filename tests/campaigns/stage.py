"""Clients, audiences and campaigns of a test, and what becomes of a run, in few words."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql

from tests.support import factory
from tests.support.factory import Row

NAME = "spring"


class Stage:
    """One database and the campaign `spring` in it."""

    def __init__(self, conn: AsyncConnection) -> None:
        self.conn = conn

    async def clients(self, count: int, *, first: int = 1, zone: str | None = None) -> None:
        """So many clients, each with a number of its own."""
        await self.conn.execute(
            """
            insert into erp.local_client (client_id, phone, time_zone)
            select n, (%s + n)::text, %s from generate_series(%s::int, %s::int) as n
            """,
            [factory.number(0), zone, first, first + count - 1],
        )

    async def client(self, client_id: int, phone: str | None, zone: str | None = None) -> None:
        """One client with this phone."""
        await self.conn.execute(
            "insert into erp.local_client (client_id, phone, time_zone) values (%s, %s, %s)",
            [client_id, phone, zone],
        )

    async def audience(self, name: str, query: LiteralString) -> None:
        """Save a SELECT."""
        await self.conn.execute("select sms.save_audience(%s, %s)", [name, query])

    async def save(self, **columns: Any) -> None:
        """Create or change the campaign: the text offer to everybody unless told otherwise."""
        full = {"template": "offer", "audience": "everybody", **columns}
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder())
            for name in full
        )
        await self.conn.execute(
            sql.SQL("select sms.save_campaign({}, {})").format(sql.Literal(NAME), arguments),
            list(full.values()),
        )

    async def launch(self, **columns: Any) -> int:
        """Save and launch it; the run."""
        await self.save(**columns)
        return int(await factory.value(self.conn, "select sms.launch_campaign(%s)", NAME))

    async def steer(self, verb: str) -> int:
        """pause, resume or stop."""
        query = sql.SQL("select {}(%s)").format(sql.Identifier("sms", f"{verb}_campaign"))
        cursor = await self.conn.execute(query, [NAME])
        [count] = await cursor.fetchone() or [0]
        return int(count)

    async def feed(self, *, as_of: datetime | None = None, limit: int = 5000) -> Row:
        """One turn of the feeder."""
        return await factory.row(
            self.conn, "select * from sms.feed_campaigns(%s, %s)", limit, as_of
        )

    async def queue(self, size: int) -> None:
        """How many messages of a campaign may stand in the queue."""
        await self.conn.execute(
            "update sms.setting set value = %s where setting = 'campaign_queue'", [str(size)]
        )

    async def send(self, *, limit: int = 1000, result: str = "accepted") -> int:
        """Claim what is due now and settle it; how many went."""
        claimed = await factory.claim(self.conn, as_of=None, limit=limit)
        if claimed.ids:
            await factory.mark(self.conn, claimed.claim_id, claimed.ids)
            await factory.settle(self.conn, claimed.claim_id, claimed.ids, result)
        return claimed.judged

    async def finish(self) -> None:
        """Feed and send until the run has ended."""
        for _ in range(200):
            await self.feed()
            await self.send()
            if (await self.progress())["state"] not in {"running", "freezing"}:
                return
        raise AssertionError(await self.progress())

    async def progress(self, run_id: int | None = None) -> Row:
        """How the latest run stands; its parts always make up the whole."""
        [row] = await factory.rows(
            self.conn,
            """
            select * from sms.campaign_progress
             where run_id = coalesce(%s, (select max(run_id) from sms.campaign_run
                                           where begun_at is not null or state = 'stopped'))
            """,
            run_id,
        )
        parts = ("waiting", "queued", "inflight", "decided", "unsent")
        assert sum(row[part] for part in parts) == row["recipients"], row
        assert sum(row["states"].values()) == row["decided"], row
        return row

    async def told(self) -> dict[str, int]:
        """What a dry run of the campaign says: total, kept, and the suppressed by reason."""
        found = await factory.rows(
            self.conn, "select topic, key, messages from sms.dry_run(%s::text)", NAME
        )
        return {
            line["key"] or line["topic"]: line["messages"]
            for line in found
            if line["topic"] in {"total", "kept", "suppressed"}
        }

    async def messages(self) -> Counter[str]:
        """The campaign's messages by fate, as sms.message tells."""
        found = await factory.rows(
            self.conn,
            """
            select case when m.reason is null then m.state
                        else m.state || '(' || m.reason || ')' end as fate, count(*)
              from sms.message as m
             where m.campaign_id = (select campaign_id from sms.campaign where campaign = %s)
             group by 1
            """,
            NAME,
        )
        return Counter({line["fate"]: line["count"] for line in found})

    async def acts(self) -> list[str]:
        """What was done with the campaign and its runs, oldest first."""
        return await factory.column(
            self.conn,
            """
            select action from sms.activity where kind in ('campaign', 'run') order by activity_id
            """,
        )
