"""Workers killed fifty times beside smsc.ru: its own record shows no message lost and none doubled.

Answers get lost on the way as well. Whatever is doubtful is asked about, within the limits of the
service, before anything is sent again.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.books import fill, until, until_taken
from tests.support import factory
from tests.support.outbox_process import Program, Programs, with_rights_of
from tests.support.smsc_ru import CALLBACK_ENV, PeerProcess, peer_process

pytestmark = pytest.mark.chaos

MESSAGES = 2000
KILLS = 50
WORKERS = 3
TPS = 45  # of each worker
TOKEN = "a-token-for-the-tests"
KEY_ENV = "OUTBOX_SECRET_SMSC"
PORT_AT = f"http://127.0.0.1:{{port}}/smsc_ru/smsc/{account_token(TOKEN, 'smsc')}"
ALL_DELIVERED = "select not exists (select from sms.message where state <> 'delivered')"


@pytest.fixture(scope="module")
def port() -> int:
    """Where receipts are heard."""
    [port] = free_ports(1)
    return port


@pytest.fixture
def peer(port: int, tmp_path: Path) -> Iterator[PeerProcess]:
    """The service, whose minute is a second, as a process that nobody kills."""
    with peer_process(
        log=tmp_path / "taken.jsonl",
        minute_s=1.0,
        latency_s=0.4,
        callback_url=PORT_AT.format(port=port),
    ) as peer:
        yield peer


@pytest.fixture
def programs(dsn: str, port: int, tmp_path: Path) -> Iterator[Programs]:
    with Programs(
        tmp_path, dsn=with_rights_of(dsn, "sms_worker"), lease_s=5, dlr_token=TOKEN, dlr_port=port
    ) as programs:
        yield programs


@pytest.fixture
async def account(
    peer: PeerProcess, conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account at the peer, for every lane, at any hour."""
    monkeypatch.setenv(KEY_ENV, peer.key)
    monkeypatch.setenv(CALLBACK_ENV, "callback-secret")
    await factory.set_quiet_hours(conn)
    settings = {
        "url": peer.url,
        "backup_url": None,
        "sender_id": "BANK",
        "parallel": 3,
        "max_batch": 10,
        "timeout_s": 2,
        "back_off_s": 0.05,
        "minute_s": 1.2,
        "poll_after_s": 5,
        "callback_secret_env": CALLBACK_ENV,
    }
    await factory.make_provider(
        conn, "smsc", adapter="smsc_ru", secret_env=KEY_ENV, tps=TPS, settings=settings
    )


def resolved(programs: list[Program]) -> Counter[str]:
    """What the questions came to, by the logs of all workers that ever were."""
    total: Counter[str] = Counter()
    for program in programs:
        for event in program.events("asked_about_doubtful"):
            total.update({name: event[name] for name in ("present", "resent", "absent_once")})
    return total


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("account")
async def test_fifty_kills_beside_smsc_ru_lose_nothing_and_double_nothing(
    conn: AsyncConnection, programs: Programs, peer: PeerProcess
) -> None:
    await programs.running("dlr")
    workers = [await programs.running("worker") for _ in range(WORKERS)]
    everybody = list(workers)
    # Every other callback is missed: else they would settle most doubts before anybody asks.
    peer.control(faults={"lost": 0.01, "drop": 0.01}, callbacks={"every": 2})
    await fill(conn, MESSAGES)
    moments = sorted(random.sample(range(20, MESSAGES * 4 // 5), KILLS))
    for turn, moment in enumerate(moments):
        victim = turn % WORKERS
        await until_taken(peer.log, moment)
        await workers[victim].ready()
        workers[victim].kill()
        workers[victim] = programs.start("worker")
        everybody.append(workers[victim])
    peer.control(faults={})
    await until(conn, ALL_DELIVERED, patience_s=240)

    record = peer.taken()
    done = resolved(everybody)
    kills = sum(program.exit_code == -signal.SIGKILL for program in everybody)
    said = peer.control()
    print(f"{kills} kills, {MESSAGES} messages, doubts {dict(done)}, errors {said['errors']}")
    lost = MESSAGES - len(record)
    doubled = [phone for phone, times in record.items() if times > 1]
    assert (lost, doubled) == (0, [])
    assert kills == KILLS
    assert said["offences"] == []
    assert await factory.nothing_unaccounted(conn)
    # A kill finds messages on their way: a test without any doubt would not have tested it.
    assert done["present"] > 0
    assert done["resent"] > 0
