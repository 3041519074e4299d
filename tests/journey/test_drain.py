"""`outbox run --drain`: work until nothing is left, say what was done, and end."""

from __future__ import annotations

from pathlib import Path

from psycopg import AsyncConnection

from tests.chaos.books import audit, fill, open_provider
from tests.support import factory
from tests.support.clock import HOUR
from tests.support.outbox_process import answer, with_rights_of


async def test_a_drain_ends_with_everything_delivered_but_what_is_for_later(
    dsn: str, conn: AsyncConnection, tmp_path: Path
) -> None:
    log = tmp_path / "taken.jsonl"
    await open_provider(conn, log, tps=10_000, latency_ms=10, receipt_delay_ms=200)
    await fill(conn, 2000)
    later = await factory.value(
        conn,
        """
        insert into sms.outbox (phone, body, not_before)
        values ('+79079999999', 'tomorrow', now() + %s) returning id
        """,
        24 * HOUR,
    )

    worker = with_rights_of(dsn, "sms_worker")
    summary = answer("run", "--drain", "--timeout", "1m", dsn=worker, log_level="error")

    assert summary["states"] == {"delivered": 2000}
    assert summary["waiting"] == 1
    assert await audit(conn, log) == {"delivered": 2000, "pending": 1}
    assert await factory.states(conn, later) == ["pending"]
