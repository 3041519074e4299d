"""NOTIFY sms_route: every change, in the transaction that made it, without personal data."""

from __future__ import annotations

import json
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tests.support import factory


async def test_changes_are_notified_when_they_are_committed(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn, autocommit=True) as listener,
    ):
        await listener.execute("listen sms_route")
        for provider in ("a", "b"):
            await factory.make_provider(owner, provider, point_lanes=False)
        await owner.execute("select sms.set_route('*', '{a,b}')")
        async with owner.transaction(force_rollback=True):
            await owner.execute("select sms.switch_channel('otp', 'b')")
        hang = [{"provider": "a", "epoch": 0, "outstanding": 1, "silence_s": 9}]
        await owner.execute("select sms.report_health('w', %s)", [Jsonb(hang)])
        await owner.execute("select sms.watch_routes()")
        told: list[dict[str, Any]] = []
        async for note in listener.notifies(timeout=10, stop_after=3):
            told.append(json.loads(note.payload))
    assert [(note["kind"], note["to"], note["cause"]) for note in told] == [
        ("lanes", "a", "route"),
        ("breaker", "open", "silent"),
        ("lanes", "b", "failover"),
    ]
    assert "7907" not in json.dumps(told)


async def test_trying_in_vain_is_notified_but_no_news_for_the_webhook(
    conn: AsyncConnection,
) -> None:
    await factory.make_provider(conn, "a", point_lanes=False)
    for state in ("open", "half_open", "open", "half_open", "closed"):
        await conn.execute("update sms.breaker set state = %s, cause = 'x'", [state])
    told = await factory.column(conn, "select payload ->> 'to' from sms.route_notice order by 1")
    assert told == ["closed", "open"]
    assert await factory.value(conn, "select count(*) from sms.breaker_change") == 5
