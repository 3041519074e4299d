"""A worker on a real database whose first provider stops answering; the fake's logs are witness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox import calls
from outbox.settings import Settings
from tests.support import factory
from tests.worker.conftest import eventually, insert, running, states, until

HANGS_MS = 600_000


@pytest.fixture
async def logs(conn: AsyncConnection, tmp_path: Path) -> dict[str, Path]:
    """main, which hangs, before backup, which is well; every channel is routed over both."""
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    logs = {name: tmp_path / f"{name}.jsonl" for name in ("main", "backup")}
    for name, log in logs.items():
        latency_ms = HANGS_MS if name == "main" else 0
        settings = {"log": str(log), "latency_ms": latency_ms}
        await factory.make_provider(conn, name, point_lanes=False, settings=settings, tps=100)
    await conn.execute("select sms.set_route('*', '{main,backup}')")
    policy = {"slow_answer": "2 seconds", "cool_down": "5 minutes"}
    await conn.execute("select sms.set_breaker('*', %s)", [Jsonb(policy)])
    return logs


def sent(log: Path) -> list[int]:
    if not log.exists():
        return []
    return [int(json.loads(line)["id"]) for line in log.read_text().splitlines()]


async def test_a_hang_costs_what_was_handed_over_and_no_more(
    settings: Settings, conn: AsyncConnection, logs: dict[str, Path]
) -> None:
    """What was claimed but not handed over is released at once, not when the lease ends."""
    await insert(conn, 300)
    async with running(settings.model_copy(update={"grace_s": 0.5, "lease_s": 3600})):
        await eventually(lambda: ready(bool(sent(logs["main"]))))
        await eventually(lambda: ready(len(sent(logs["backup"])) + len(sent(logs["main"])) == 300))
        await insert(conn, 20, channel="otp", first=1000)
        await eventually(lambda: ready(len(sent(logs["backup"])) + len(sent(logs["main"])) == 320))
    taken = [*sent(logs["main"]), *sent(logs["backup"])]
    assert len(taken) == len(set(taken)) == 320
    assert await states(conn) == {
        "accepted": len(sent(logs["backup"])),
        "uncertain": len(sent(logs["main"])),
    }
    assert 0 < len(sent(logs["main"])) < 150


async def test_hanging_bulk_sends_do_not_hold_up_urgent_messages_of_the_same_provider(
    settings: Settings, conn: AsyncConnection, logs: dict[str, Path]
) -> None:
    """Pinned, so that nothing moves."""
    await conn.execute("select sms.switch_channel('*', 'main', null, 'drill')")
    await insert(conn, 300)
    async with running(settings.model_copy(update={"grace_s": 0.5})):
        await eventually(lambda: ready(len(sent(logs["main"])) >= 40))
        bulk = len(sent(logs["main"]))
        for n in range(3):
            await insert(conn, 1, channel="otp", first=1000 + n)
            await eventually(lambda n=n: urgent_sent(conn, logs, n + 1))  # type: ignore[misc]
    assert bulk < 300
    assert sent(logs["backup"]) == []


async def test_the_way_there_and_back_needs_no_new_connection(
    settings: Settings,
    conn: AsyncConnection,
    logs: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running(settings.model_copy(update={"grace_s": 0.5})):
        await insert(conn, 5)
        await eventually(lambda: served_by(conn, "backup"))
        await insert(conn, 5, first=100)
        await eventually(lambda: ready(len(sent(logs["backup"])) == 5))
        await calls.switch_channel(conn, channel="*", provider="main", reason="drill")
        await insert(conn, 5, first=200)
        await eventually(lambda: ready(len(sent(logs["main"])) == 10))
    said = capsys.readouterr()
    assert (said.out + said.err).count("provider_open") == 2
    await until(conn, {"accepted": 5, "uncertain": 10})


async def ready(happened: bool) -> bool:
    return happened


async def urgent_sent(conn: AsyncConnection, logs: dict[str, Path], count: int) -> bool:
    urgent = await factory.column(conn, "select id from sms.message where channel = 'otp'")
    return len(set(urgent) & set(sent(logs["main"]))) == count


async def served_by(conn: AsyncConnection, provider: str) -> bool:
    query = "select bool_and(s.provider = %s) from sms.lane_status as s"
    return bool(await factory.value(conn, query, provider))
