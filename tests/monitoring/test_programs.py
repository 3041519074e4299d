"""`outbox worker` and `outbox dlr` as they are in production, asked over HTTP."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from psycopg import AsyncConnection

from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.wire import Wire
from tests.monitoring.conftest import Scrape, answering, port_of, scrape, scraped_until
from tests.support.factory import (
    change_channel,
    insert_many,
    make_provider,
    number,
    set_caps,
    set_quiet_hours,
)
from tests.support.outbox_process import Programs, with_rights_of

TOKEN = "0123456789-abcdef_XYZ"
TEXT = "Ваш код 4711"
RESULTS = "outbox_results_total"


@pytest.fixture
async def post(conn: AsyncConnection, tmp_path: Path) -> Path:
    """`post` serves every lane and reports at once; what it took is in the file."""
    taken = tmp_path / "taken.jsonl"
    settings = {"log": str(taken), "receipt_delay_ms": 0, "reject_rate": 0.2, "seed": 5}
    await make_provider(conn, settings=settings, tps=1_000_000)
    await set_quiet_hours(conn)
    await set_caps(conn)
    await change_channel(conn, "single", dedup_window="0")
    return taken


def lines_of(file: Path) -> list[str]:
    """What the provider took, a JSON object a line."""
    return file.read_text().splitlines() if file.exists() else []


async def send(conn: AsyncConnection, count: int) -> None:
    """Insert so many messages, due at once."""
    (now,) = await (await conn.execute("select clock_timestamp()")).fetchone() or (None,)
    await insert_many(
        conn,
        [{"phone": str(number(n)), "body": f"{TEXT} {n}", "not_before": now} for n in range(count)],
    )


async def test_a_worker_counts_what_it_sent_and_what_it_heard(
    programs: Programs, post: Path, conn: AsyncConnection
) -> None:
    worker = await answering(programs.start("worker", worker_name="w1"))
    await send(conn, 200)

    def all_told(seen: Scrape) -> bool:
        accepted = seen.get("outbox_receipts_total", provider="post") or 0
        return (
            sum(seen.having(RESULTS).values()) == 200
            and accepted == seen.get(RESULTS, provider="post", result="accepted")
            and seen.get("outbox_receipt_lag_seconds", provider="post", quantile="0.5") is not None
        )

    seen = await scraped_until(worker, all_told)
    taken = len(lines_of(post))
    assert 0 < taken < 200
    assert seen.get(RESULTS, provider="post", result="accepted") == taken
    assert seen.get(RESULTS, provider="post", result="rejected") == 200 - taken
    assert seen.get("outbox_database_up") == 1
    assert_histogram(seen, "outbox_answer_seconds", count=200)
    commits = seen.get("outbox_receipt_commit_seconds_count", provider="post")
    assert commits is not None
    assert 0 < commits <= taken
    assert_histogram(seen, "outbox_receipt_commit_seconds", count=int(commits))
    assert seen.get("process_resident_memory_bytes")
    assert_nothing_personal(seen)


def assert_histogram(seen: Scrape, name: str, *, count: int) -> None:
    """Buckets never fall, the last holds all, and the sum is one those counts can have."""
    buckets = sorted(
        (float(dict(labels)["le"]), value)
        for (_, labels), value in seen.having(f"{name}_bucket", provider="post").items()
    )
    counts = [value for _, value in buckets]
    assert counts == sorted(counts)
    assert buckets[-1] == (float("inf"), count)
    assert seen.get(f"{name}_count", provider="post") == count
    total = seen.get(f"{name}_sum", provider="post")
    assert total is not None
    edges = [0.0, *(edge for edge, _ in buckets)]
    each = [value - below for value, below in zip(counts, [0.0, *counts], strict=False)]
    least = sum(n * low for n, low in zip(each, edges, strict=False))
    assert least <= total
    if each[-1] == 0:
        most = sum(n * edge for n, (edge, _) in zip(each, buckets, strict=True) if n)
        assert total <= most


def assert_nothing_personal(seen: Scrape) -> None:
    assert not re.search(r"(?<![\d.])7\d{10}(?!\d)", seen.text)
    assert TEXT not in seen.text
    assert TOKEN not in seen.text


async def test_a_worker_whose_database_is_away_says_so_and_forgets_what_it_knew(
    programs: Programs, post: Path, dsn: str
) -> None:
    async with Wire(dsn) as wire:
        rights = with_rights_of(wire.dsn, "sms_worker")
        worker = await answering(programs.start("worker", dsn=rights, call_timeout_s=2))
        queue = "outbox_queue_messages"
        await scraped_until(worker, lambda seen: seen.having(queue))
        await wire.cut()
        seen = await scraped_until(worker, lambda seen: seen.get("outbox_database_up") == 0)
        assert not seen.having(queue)
        assert worker.exit_code is None
        await wire.mend()
        seen = await scraped_until(worker, lambda seen: seen.get("outbox_database_up") == 1)
        assert seen.having(queue)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


async def test_the_receiver_counts_what_it_stored_and_tells_nothing_else(
    programs: Programs, post: Path, dsn: str, client: httpx.AsyncClient
) -> None:
    port = free_ports(1)[0]
    rights = with_rights_of(dsn, "sms_dlr")
    dlr = await answering(programs.start("dlr", dsn=rights, dlr_port=port, dlr_token=TOKEN))
    base = f"http://127.0.0.1:{port}/fake/post"
    for n in range(7):
        answer = await client.get(
            f"{base}/{account_token(TOKEN, 'post')}/{10_000_000 + n}?code=delivered"
        )
        assert answer.status_code == 200
    assert (await client.get(f"{base}/wrong-wrong-wrong-1/1?code=delivered")).status_code != 200

    seen = await scraped_until(dlr, lambda seen: seen.get("outbox_database_up") is not None)
    assert seen.get("outbox_database_up") == 1
    assert seen.get("outbox_receipts_total", provider="post") == 7
    commits = seen.get("outbox_receipt_commit_seconds_count", provider="post")
    assert commits is not None
    assert_histogram(seen, "outbox_receipt_commit_seconds", count=int(commits))
    ours = {name for name in seen.names() if name.startswith("outbox_")}
    assert ours == {
        "outbox_database_up",
        "outbox_receipts_total",
        "outbox_receipts_created",
        *(f"outbox_receipt_commit_seconds_{end}" for end in ("bucket", "count", "sum", "created")),
        *("outbox_dlr_calls_total", "outbox_dlr_links_total"),
        *("outbox_dlr_connections", "outbox_dlr_waiting"),
    }
    assert seen.get("outbox_dlr_calls_total", result="stored") == 7
    assert seen.get("outbox_dlr_calls_total", result="wrong_token") == 1
    assert_nothing_personal(seen)
    assert not dlr.events("metrics_refused")


@pytest.mark.parametrize("command", ["worker", "dlr", "run"])
async def test_a_port_that_is_taken_ends_it_with_one_sentence_before_it_sends(
    programs: Programs, post: Path, conn: AsyncConnection, command: str
) -> None:
    await send(conn, 3)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = programs.start(
            command, metrics_port=port, dlr_port=free_ports(1)[0], dlr_token=TOKEN
        )
        assert await program.ended() == 2
    [line] = [line for line in program.log.read_text().splitlines() if not line.startswith("{")]
    assert "OUTBOX_METRICS_PORT is wrong" in line
    assert f"127.0.0.1:{port}" in line
    assert lines_of(post) == []


async def test_without_a_port_nothing_is_served(dsn: str, tmp_path: Path, post: Path) -> None:
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        worker = await programs.running("worker")
        assert worker.events("worker_started")
        assert not worker.events("metrics_listening")


async def test_the_counts_can_be_asked_for_until_the_worker_has_ended(
    programs: Programs, post: Path, conn: AsyncConnection
) -> None:
    """The last messages are those that an operator looks for after an accident."""
    worker = await answering(programs.start("worker"))
    await send(conn, 5)
    await scraped_until(worker, lambda seen: sum(seen.having(RESULTS).values()) == 5)
    worker.terminate()
    assert await worker.ended() == 0
    with pytest.raises(httpx.TransportError):
        await scrape(worker)
    assert port_of(worker) > 0
