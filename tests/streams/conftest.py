"""Three streams as a fintech has them: each channel with a provider, a pace and a record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.events.conftest import set_rule, set_type
from tests.support import factory
from tests.support.outbox_process import Programs, with_rights_of

TPS = {"single": 200, "mass": 5, "planned": 5}  # the bulk ones would take half a minute
CROWD = 120  # clients of the ERP
FRIENDS = 10  # those of them who get more mass notices than the cap allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """A database in which a worker runs, and what each provider took."""

    conn: AsyncConnection
    folder: Path

    def taken(self, channel: str) -> Counter[int]:
        """How often the channel's provider took each message."""
        log = self.folder / f"{channel}.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return Counter(int(json.loads(line)["id"]) for line in lines)

    async def hurry(self) -> None:
        """Let the bulk streams go as fast as they can."""
        await self.conn.execute(
            "select sms.set_provider(p.provider, p_tps => 1000) from sms.provider as p"
        )

    async def waiting(self, channel: str) -> int:
        """How many messages of the channel still wait."""
        return int(
            await factory.value(
                self.conn,
                "select count(*) from sms.message where state = 'pending' and channel = %s",
                channel,
            )
        )


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts programs on the test's own database; ends what is left of them."""
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        yield programs


@pytest.fixture
async def streams(conn: AsyncConnection, programs: Programs, tmp_path: Path) -> Streams:
    """Each of the three channels has its provider; events feed two of them; a worker runs."""
    for channel, tps in TPS.items():
        await factory.make_provider(
            conn,
            f"for_{channel}",
            point_lanes=False,
            tps=tps,
            settings={"log": str(tmp_path / f"{channel}.jsonl"), "latency_ms": 5},
        )
        await conn.execute("select sms.switch_channel(%s, %s)", [channel, f"for_{channel}"])
    await factory.set_quiet_hours(conn)
    await conn.execute(
        """
        insert into erp.local_client (client_id, phone)
        select n, (%s + n)::text from generate_series(1, %s) as n
        """,
        [factory.number(0), CROWD],
    )
    await factory.add_template(conn, "paid", "Платёж {{nr}} получен.")
    await factory.add_template(conn, "news", "Новый порядок платежей, пункт {{nr}}.")
    await set_type(conn, "payment", nr="number")
    await set_type(conn, "terms", nr="number")
    await set_rule(conn, "receipt", event_type="payment", template="paid", channel="single")
    await set_rule(conn, "notice", event_type="terms", template="news", channel="mass")
    await programs.running("worker")
    return Streams(conn=conn, folder=tmp_path)
