"""A STOP all the way: message centre, Kannel, receipt server, database and worker, all real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support import factory
from tests.support.kannel_lab import PROVIDER, TOKEN, Lab, kannel_lab
from tests.support.outbox_process import Programs, with_rights_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel

US = "79430000000"
ADVERTISEMENT = "Вклад под 20 % годовых"
NOTICE = "Платёж получен"
ANSWER = "Вы отписаны от рассылок."


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A real Kannel of one's own."""
    async with kannel_lab() as lab:
        yield lab


@pytest.fixture
def programs(lab: Lab, dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts the outbox's programs beside that Kannel."""
    with Programs(tmp_path, dsn=dsn, dlr_token=TOKEN, dlr_port=lab.dlr_port) as programs:
        yield programs


@pytest.fixture
async def account(lab: Lab, conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of that Kannel; nothing is sent yet, and silence is no reason to wait."""
    monkeypatch.setenv("OUTBOX_SECRET_KANNEL", lab.boxes.password)
    await conn.execute("delete from sms.quiet_hours")
    await factory.make_provider(
        conn,
        PROVIDER,
        adapter="kannel",
        secret_env="OUTBOX_SECRET_KANNEL",
        tps=100,
        point_lanes=False,
        settings={
            "url": lab.boxes.sendsms_url,
            "username": lab.boxes.username,
            "smsc": lab.boxes.smsc_id,
            "sender_id": US,
        },
    )


async def ask(conn: AsyncConnection, channel: str, body: str, *subscribers: int) -> list[int]:
    """What the ERP asks for, before anybody replies."""
    return await factory.insert_many(
        conn,
        [
            {"channel": channel, "phone": str(factory.number(n)), "body": body, "not_before": None}
            for n in subscribers
        ],
    )


async def heard(conn: AsyncConnection, count: int) -> list[factory.Row]:
    """Wait for so many messages from subscribers; the ERP reads them as a table."""

    async def inbound() -> list[factory.Row]:
        return await factory.rows(
            conn,
            """
            select msisdn, sender, sent_to, body, action
              from sms.inbound
             order by inbound_id
            """,
        )

    for _ in range(200):
        if len(found := await inbound()) >= count:
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError


async def all_final(conn: AsyncConnection, ids: list[int]) -> None:
    for _ in range(400):
        if not set(await factory.states(conn, *ids)) & {"pending", "inflight", "accepted"}:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def test_a_stop_stops_a_queued_advertisement_that_was_inserted_before_it(
    lab: Lab,
    programs: Programs,
    account: None,
    conn: AsyncConnection,
    dsn: str,
    as_role: AsRole,
) -> None:
    [stopped, other] = await ask(conn, "planned", ADVERTISEMENT, 1, 2)
    [notice] = await ask(conn, "single", NOTICE, 1)
    dlr = await programs.running("dlr", dsn=with_rights_of(dsn, "sms_dlr"))

    lab.simulator.write(sender=str(factory.number(1)), to=US, text="Стоп!")
    erp = await as_role("sms_erp")
    assert await heard(erp, 1) == [
        {
            "msisdn": factory.number(1),
            "sender": f"+{factory.number(1)}",
            "sent_to": f"+{US}",
            "body": "Стоп!",
            "action": "stop_advertising",
        }
    ]

    await conn.execute("select sms.switch_channel('*', %s)", [PROVIDER])
    worker = await programs.running("worker", dsn=with_rights_of(dsn, "sms_worker"))
    await all_final(conn, [stopped, other, notice])
    assert await factory.states(conn, stopped, other, notice) == [
        "suppressed",
        "delivered",
        "delivered",
    ]
    assert (await factory.message(conn, stopped))["reason"] == "blacklist"
    assert lab.texts() == {factory.number(2): ADVERTISEMENT, factory.number(1): NOTICE}
    for program in (dlr, worker):
        said = program.log.read_text(encoding="utf-8")
        assert str(factory.number(1)) not in said
        assert "Стоп" not in said
        assert TOKEN not in said


async def test_stop_all_stops_everything_but_the_answer_to_it(
    lab: Lab, programs: Programs, account: None, conn: AsyncConnection
) -> None:
    await conn.execute(
        "update sms.setting set value = %s where setting = 'opt_out_answer'", [ANSWER]
    )
    [notice] = await ask(conn, "single", NOTICE, 1)
    await programs.running("dlr")
    lab.simulator.write(sender=str(factory.number(1)), to=US, text="стоп  всё")
    assert [row["action"] for row in await heard(conn, 1)] == ["stop_all"]

    await conn.execute("select sms.switch_channel('*', %s)", [PROVIDER])
    await programs.running("worker")
    [answer] = await factory.column(conn, "select id from sms.message where channel = 'reply'")
    await all_final(conn, [notice, answer])
    assert await factory.states(conn, notice, answer) == ["suppressed", "delivered"]
    assert lab.texts() == {factory.number(1): ANSWER}


async def test_a_long_message_is_whole_and_what_nobody_hears_is_brought_again(
    lab: Lab, programs: Programs, account: None, conn: AsyncConnection
) -> None:
    """Nobody listens while both are written; Kannel tries until the receipt server is there."""
    long = "Здравствуйте! 😀 " + "Прошу перезвонить. " * 20 + "[конец]"
    lab.simulator.write(sender=str(factory.number(1)), to=US, text=long)
    lab.simulator.write(sender=str(factory.number(2)), to=US, text="please call {me} for 5 € " * 9)
    await eventually(lambda: len(lab.simulator.records("deliver_sm")) >= 6)
    await programs.running("dlr")
    found = await heard(conn, 2)
    assert {row["body"] for row in found} == {long, "please call {me} for 5 € " * 9}
    assert {row["action"] for row in found} == {None}
