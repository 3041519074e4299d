"""The receipt server is killed, cut off and asked in every wrong way; no report is lost."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from psycopg import AsyncConnection

from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.books import fill, until
from tests.chaos.wire import Wire
from tests.support import factory
from tests.support.kannel_lab import kannel_lab
from tests.support.outbox_process import Program, Programs, with_rights_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.chaos

TOKEN = "0123456789-abcdef_XYZ"
OWN = account_token(TOKEN, factory.PROVIDER)
CALLERS = 16


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
async def wire(dsn: str) -> AsyncIterator[Wire]:
    async with Wire(dsn) as wire:
        yield wire


@pytest.fixture
async def dlr(programs: Programs, wire: Wire, port: int) -> Program:
    """`outbox dlr`, with no more rights than it needs, on a line that can be cut."""
    return await start(programs, wire.dsn, port)


async def start(programs: Programs, dsn: str, port: int) -> Program:
    rights = with_rights_of(dsn, "sms_dlr")
    return await programs.running("dlr", dsn=rights, dlr_port=port, dlr_token=TOKEN)


@pytest.fixture
async def client(port: int) -> AsyncIterator[httpx.AsyncClient]:
    base = f"http://127.0.0.1:{port}"
    timeout = httpx.Timeout(10, pool=None)
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=timeout) as client:
        yield client


@pytest.fixture
async def post(conn: AsyncConnection) -> None:
    """The account whose receipts are told."""
    await factory.make_provider(conn)


def path(message_id: int, *, code: str = "delivered", token: str = OWN) -> str:
    return f"/fake/{factory.PROVIDER}/{token}/{message_id}?code={code}"


async def told(client: httpx.AsyncClient, *paths: str) -> list[int]:
    return [(await client.get(one)).status_code for one in paths]


async def insist(client: httpx.AsyncClient, ids: Sequence[int]) -> Counter[int]:
    """Call about each until it is stored, as providers do; all answers, 0 where there was none."""
    answers: Counter[int] = Counter()
    left = deque(ids)

    async def caller() -> None:
        while left:
            id_ = left.popleft()
            try:
                answer = (await client.get(path(id_))).status_code
            except httpx.TransportError:
                answer = 0
            answers[answer] += 1
            if answer != 200:
                left.append(id_)
                await asyncio.sleep(0.1)

    async with asyncio.timeout(60), asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(caller())
    return answers


async def accepted(conn: AsyncConnection, count: int) -> list[int]:
    """Messages that the provider took."""
    await fill(conn, count, channel="single")
    claim = await factory.claim(conn, as_of=None, limit=1000)
    await factory.settle(conn, claim.claim_id, claim.ids)
    return claim.ids


async def delivered(conn: AsyncConnection, ids: Sequence[int]) -> bool:
    return set(await factory.states(conn, *ids)) == {"delivered"}


@pytest.mark.usefixtures("post", "dlr")
async def test_early_late_repeated_and_unknown_receipts_are_answered_and_kept(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    [late] = await accepted(conn, 1)
    early = await factory.insert_outbox(conn, not_before=None, phone=str(factory.number(2)))
    claim = await factory.claim(conn, as_of=None)
    calls = [path(early), path(late), path(late), path(late, code="accepted"), path(77)]
    assert await told(client, *calls) == [200] * len(calls)
    assert await factory.states(conn, early, late) == ["inflight", "delivered"]
    await factory.settle(conn, claim.claim_id, [early])
    assert await factory.states(conn, early, late) == ["delivered", "delivered"]
    heard = await factory.column(conn, "select message_id from sms.receipt order by receipt_id")
    assert heard == [early, late, late, late, 77]


@pytest.mark.usefixtures("post", "dlr")
async def test_who_does_not_know_the_token_finds_nothing(
    client: httpx.AsyncClient, conn: AsyncConnection
) -> None:
    [id_] = await accepted(conn, 1)
    stranger = path(id_).replace(factory.PROVIDER, "stranger")
    nonsense = path(id_).replace(str(id_), "nonsense")
    wrong = [path(id_, token=OWN[:-1]), path(id_, token=OWN.lower()), stranger, nonsense]
    assert await told(client, *wrong) == [404, 404, 404, 400]
    assert await factory.states(conn, id_) == ["accepted"]
    assert await factory.value(conn, "select count(*) from sms.receipt") == 0


@pytest.mark.usefixtures("post")
async def test_a_database_out_of_reach_is_answered_503_and_nothing_is_lost(
    client: httpx.AsyncClient, conn: AsyncConnection, dlr: Program, wire: Wire
) -> None:
    ids = await accepted(conn, 200)
    await wire.cut()
    assert await told(client, path(ids[0]), "/health") == [503, 503]
    telling = asyncio.create_task(insist(client, ids))
    await eventually(lambda: len(dlr.events("dlr_not_stored")) > 2 * CALLERS)
    await wire.mend()
    answers = await telling
    assert answers[200] == len(ids)
    assert set(answers) == {200, 503}
    assert await delivered(conn, ids)
    assert await told(client, "/health") == [200]


@pytest.mark.usefixtures("post")
async def test_a_killed_receipt_server_loses_nothing_that_it_answered(
    client: httpx.AsyncClient,
    conn: AsyncConnection,
    dsn: str,
    programs: Programs,
    port: int,
) -> None:
    ids = await accepted(conn, 1000)
    dlr = await start(programs, dsn, port)
    telling = asyncio.create_task(insist(client, ids))
    for share in (100, 500):
        await until(conn, "select count(*) >= %s from sms.receipt", share)
        dlr.kill()
        dlr = await start(programs, dsn, port)
    answers = await telling
    assert answers[200] == len(ids)
    assert answers[0] > 0, "nobody noticed the kills"
    assert await delivered(conn, ids)
    dlr.terminate()
    assert await dlr.ended() == 0


@pytest.mark.kannel
async def test_kannel_calls_again_until_the_killed_receipt_server_is_back(
    dsn: str, conn: AsyncConnection, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 150
    async with kannel_lab(dlr_ms=200) as lab:
        monkeypatch.setenv("OUTBOX_SECRET_KANNEL", lab.boxes.password)
        settings = {
            "url": lab.boxes.sendsms_url,
            "username": lab.boxes.username,
            "sender_id": "BANK",
        }
        await factory.make_provider(
            conn,
            adapter="kannel",
            secret_env="OUTBOX_SECRET_KANNEL",
            tps=300,
            settings=settings,
        )
        dlr = await start(programs, dsn, lab.dlr_port)
        await programs.running("worker", dlr_port=lab.dlr_port, dlr_token=TOKEN)
        await fill(conn, count, channel="single")
        await until(conn, "select count(*) >= 20 from sms.receipt")
        dlr.kill()
        await eventually(lambda: len(lab.simulator.records("deliver_sm")) == count)
        heard = await factory.value(conn, "select count(*) from sms.receipt")
        assert heard < count, "the kill came too late"
        await start(programs, dsn, lab.dlr_port)
        await until(conn, "select not exists (select from sms.message where final_at is null)")
    states = await factory.column(conn, "select state from sms.message")
    assert Counter(states) == {"delivered": count * 9 // 10, "undelivered": count // 10}
