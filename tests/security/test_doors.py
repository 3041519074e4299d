"""The programs under siege (S4, C4): receipts are stored, sending goes on, the log is short."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from psycopg import AsyncConnection

from bench.strangers import Crowd, besieged
from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.books import fill, open_provider, until, until_taken
from tests.chaos.wire import Wire
from tests.monitoring.conftest import port_of, scraped_until
from tests.support import factory
from tests.support.outbox_process import Program, Programs, with_rights_of
from tests.support.waiting import eventually

TOKEN = "0123456789-abcdef_XYZ"
FEW = 256  # descriptors; stands for the usual 1,024 of a service
MANY = 300  # strangers
TRIES = 5  # of a provider; this process is busy with its strangers and may come too late to speak
LONGEST_LOG = 64 * 1024  # bytes; it was 70 MB a minute
STORED = "select count(distinct message_id) from sms.receipt"


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    rights = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=rights, lease_s=5, dlr_token=TOKEN) as programs:
        yield programs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the provider keeps its own record of what it took."""
    return tmp_path / "taken.jsonl"


@asynccontextmanager
async def siege(
    port: int, *, quiet: int = MANY, slow: int = 50, nasty: int = 10
) -> AsyncIterator[None]:
    """Strangers at this port, all of them connected."""
    crowd = Crowd(port)
    async with besieged(crowd, quiet=quiet, slow=slow, nasty=nasty):
        await eventually(lambda: crowd.seen["connected"] >= quiet + slow)
        yield


async def tell(port: int, ids: range) -> list[int]:
    """True receipts, each by a new connection, and again where nobody answers; the answers."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=0)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(
        base_url=base, trust_env=False, timeout=20, limits=limits
    ) as client:

        async def one(n: int) -> int:
            own = account_token(TOKEN, factory.PROVIDER)
            url = f"/fake/{factory.PROVIDER}/{own}/{10_000_000 + n}?code=delivered"
            for _ in range(TRIES):
                with suppress(httpx.TransportError):
                    return (await client.get(url)).status_code
            return 0

        return await asyncio.gather(*(one(n) for n in ids))


def receiver_of(program: Program) -> int:
    """The process that hears receipts for `outbox run`."""
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    [child] = [
        int(pid)
        for pid in children
        if b"cli.receiver_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return child


def assert_short(program: Program) -> None:
    said = program.log.read_bytes()
    assert len(said) < LONGEST_LOG
    assert b"Traceback" not in said


async def test_with_few_descriptors_and_many_strangers_every_true_receipt_is_stored(
    programs: Programs, conn: AsyncConnection, dsn: str, port: int
) -> None:
    await factory.make_provider(conn)
    rights = with_rights_of(dsn, "sms_dlr")
    dlr = await programs.running("dlr", dsn=rights, dlr_port=port, descriptors=FEW)
    async with siege(port):
        assert await tell(port, range(100)) == [200] * 100
        # No descriptor is missing where a new connection to the database is wanted.
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'outbox %'"
        )
        answers = await tell(port, range(100, 150))
        answers += await tell(port, range(150, 200))
    assert set(answers) <= {200, 503}  # a cut connection is "call again"
    assert answers[50:] == [200] * 50
    assert await factory.value(conn, STORED) == 100 + answers.count(200)
    assert_short(dlr)
    assert dlr.events("dlr_refused")


async def test_a_siege_of_the_receiver_does_not_stop_sending(
    programs: Programs, conn: AsyncConnection, dsn: str, port: int, log: Path
) -> None:
    """C4: no descriptor was left to reconnect with, and nothing was sent."""
    await open_provider(conn, log, tps=1000)
    async with Wire(dsn) as wire:
        rights = with_rights_of(wire.dsn, "sms_worker")
        run = await programs.running("run", dsn=rights, dlr_port=port, descriptors=FEW)
        await eventually(lambda: run.events("dlr_listening"))
        async with siege(port, quiet=400):
            await fill(conn, 50, channel="single")
            await until_taken(log, 50)
            await wire.cut()
            await wire.mend()
            await fill(conn, 50, channel="single", after=50)
            await until_taken(log, 100)
            answers = await tell(port, range(20))
            assert set(answers) <= {200, 503}
            assert await tell(port, range(20, 40)) == [200] * 20
    assert_short(run)
    run.terminate()
    assert await run.ended() == 0


async def test_the_death_of_the_receiver_does_not_stop_sending_and_callers_only_wait(
    programs: Programs, conn: AsyncConnection, port: int, log: Path
) -> None:
    await open_provider(conn, log, tps=1000)
    run = await programs.running("run", dlr_port=port)
    await eventually(lambda: run.events("dlr_listening"))
    assert await tell(port, range(5)) == [200] * 5
    killed = receiver_of(run)
    os.kill(killed, signal.SIGKILL)
    answers = asyncio.create_task(tell(port, range(5, 10)))  # nobody is there; the port is
    await fill(conn, 20, channel="single")
    await until_taken(log, 20)
    assert await answers == [200] * 5
    assert receiver_of(run) != killed
    assert run.events("receiver_ended")[0]["why"] == "signal 9"
    assert run.exit_code is None
    run.terminate()
    assert await run.ended() == 0
    assert await factory.value(conn, STORED) >= 10


async def test_a_receiver_that_wants_too_much_memory_fails_alone(
    programs: Programs, conn: AsyncConnection, port: int, log: Path
) -> None:
    await open_provider(conn, log, tps=1000)
    run = await programs.running("run", dlr_port=port, dlr_memory_mb=300)
    await eventually(lambda: run.events("dlr_listening"))
    most, _ = resource.prlimit(receiver_of(run), resource.RLIMIT_DATA)
    assert most == 300 << 20
    assert resource.prlimit(run.pid, resource.RLIMIT_DATA) == resource.getrlimit(
        resource.RLIMIT_DATA
    )
    os.kill(receiver_of(run), signal.SIGABRT)  # as an allocation that fails may end it
    await fill(conn, 20, channel="single")
    await until_taken(log, 20)
    assert await tell(port, range(5)) == [200] * 5


async def test_a_killed_sender_leaves_no_receiver_on_its_port(
    programs: Programs, conn: AsyncConnection, port: int, log: Path
) -> None:
    await open_provider(conn, log, tps=1000)
    run = await programs.running("run", dlr_port=port)
    await eventually(lambda: run.events("dlr_listening"))
    receiver = receiver_of(run)
    run.kill()
    await eventually(lambda: not Path(f"/proc/{receiver}").exists())
    again = await programs.running("run", dlr_port=port)
    await eventually(lambda: again.events("dlr_listening"))
    assert await tell(port, range(1)) == [200]


async def test_a_new_account_is_heard_at_once_by_the_receiver_beside_the_sender(
    programs: Programs, conn: AsyncConnection, port: int, log: Path
) -> None:
    await open_provider(conn, log, tps=1000)
    run = await programs.running("run", dlr_port=port)
    await eventually(lambda: run.events("dlr_listening"))
    await factory.make_provider(conn, "late")
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
        own = account_token(TOKEN, "late")
        url = f"http://127.0.0.1:{port}/fake/late/{own}/1?code=delivered"
        while (await client.get(url)).status_code == 404:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def test_strangers_at_the_metrics_port_do_not_stop_sending(
    programs: Programs, conn: AsyncConnection, dsn: str, port: int, log: Path
) -> None:
    """A thread and a descriptor for each of them, without any limit."""
    await open_provider(conn, log, tps=1000)
    async with Wire(dsn) as wire:
        rights = with_rights_of(wire.dsn, "sms_worker")
        worker = await programs.running("worker", dsn=rights, metrics_port=port, descriptors=FEW)
        async with siege(port):
            await wire.cut()
            await wire.mend()
            await fill(conn, 50, channel="single")
            await until_taken(log, 50)
            seen = await scraped_until(worker, lambda seen: seen.get("outbox_database_up") == 1)
            assert (seen.get("process_open_fds") or 0) < 100
    assert_short(worker)


async def test_what_the_receiver_counts_is_told_on_the_senders_metrics_port(
    programs: Programs, conn: AsyncConnection, port: int, log: Path
) -> None:
    """S28: with a port that strangers do not reach; one figure for both processes."""
    await open_provider(conn, log, tps=1000, receipt_delay_ms=1)
    run = await programs.running("run", dlr_port=port, metrics_port=0)
    await fill(conn, 10, channel="single")
    await until(conn, "select count(*) = 10 from sms.receipt")
    assert await tell(port, range(7)) == [200] * 7
    async with httpx.AsyncClient(trust_env=False) as client:
        wrong = await client.get(f"http://127.0.0.1:{port}/fake/post/{'x' * 20}/1")
        assert wrong.status_code == 404
    seen = await scraped_until(
        run, lambda seen: seen.get("outbox_receipts_total", provider="post") == 17
    )
    assert seen.get("outbox_dlr_calls_total", result="stored") == 7
    seen = await scraped_until(
        run, lambda seen: seen.get("outbox_dlr_calls_total", result="wrong_token") == 1
    )
    assert seen.get("outbox_receipt_commit_seconds_bucket", provider="post", le="+Inf")
    assert seen.get("outbox_database_up") == 1
    assert port_of(run) != port
