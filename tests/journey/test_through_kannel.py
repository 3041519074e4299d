"""`outbox run` as in production: a real Kannel, a message centre behind it, receipts over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.chaos.books import until
from tests.support import factory
from tests.support.kannel_lab import TOKEN, Lab, kannel_lab
from tests.support.outbox_process import Program, Programs, answer, with_rights_of

pytestmark = pytest.mark.kannel

GSM = "Your code is 4711 {valid for 5 minutes}"
LONG = "Уважаемый клиент, по договору № 15/3 возникла задолженность. " * 16
URGENT, BULK = "79070000001", [f"7907000010{n}" for n in range(10)]


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with kannel_lab() as lab:
        yield lab


@pytest.fixture
async def running(
    lab: Lab, dsn: str, conn: AsyncConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Program]:
    """`outbox run` with every lane pointed at that Kannel."""
    monkeypatch.setenv("OUTBOX_SECRET_KANNEL", lab.boxes.password)
    settings = {"url": lab.boxes.sendsms_url, "username": lab.boxes.username, "sender_id": "BANK"}
    await factory.make_provider(
        conn,
        adapter="kannel",
        secret_env="OUTBOX_SECRET_KANNEL",
        tps=1000,
        settings=settings,
    )
    await factory.set_quiet_hours(conn)
    worker = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=worker, dlr_port=lab.dlr_port, dlr_token=TOKEN) as programs:
        yield await programs.running("run")


async def final(conn: AsyncConnection, ids: list[int]) -> Counter[str]:
    """Wait until all is over; these messages by state."""
    await until(conn, "select not exists (select from sms.message as m where m.final_at is null)")
    return Counter(await factory.states(conn, *ids))


async def test_every_kind_of_text_arrives_whole_and_its_receipt_comes_back(
    lab: Lab, running: Program, dsn: str, conn: AsyncConnection
) -> None:
    bulk = [{"channel": "mass", "phone": to, "body": LONG, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, bulk)
    code = await factory.insert_outbox(conn, channel="otp", phone=URGENT, body=GSM, not_before=None)

    assert await final(conn, ids) == {"delivered": 9, "undelivered": 1}
    assert await final(conn, [code]) == {"delivered": 1}

    assert lab.texts() == {int(URGENT): GSM} | {int(to): LONG for to in BULK}
    alphabets = {r["to"]: r["data_coding"] for r in lab.simulator.records("submit_sm")}
    assert alphabets == {URGENT: 0} | dict.fromkeys(BULK, 8)
    parts = Counter(r["to"] for r in lab.simulator.records("submit_sm"))
    for id_, to in [(code, URGENT), *zip(ids, BULK, strict=True)]:
        seen = await factory.message(conn, id_)
        assert seen["segments"] == parts[to]
        assert seen["provider"] == "post"


async def test_a_failure_on_the_air_is_told_with_the_operators_code(
    running: Program, dsn: str, conn: AsyncConnection
) -> None:
    id_ = await factory.insert_outbox(conn, phone=BULK[9], body=GSM, not_before=None)
    assert await final(conn, [id_]) == {"undelivered": 1}

    [receipt] = await factory.rows(conn, "select * from sms.receipt")
    assert (receipt["message_id"], receipt["code"], receipt["error"]) == (id_, "2", "UNDELIV/001")
    story = answer("explain", str(id_), dsn=with_rights_of(dsn, "sms_operator"))
    assert (story[-1]["topic"], story[-1]["verdict"]) == ("receipt", "undelivered")
    assert "UNDELIV/001" in story[-1]["detail"]


async def test_a_restart_of_kannel_is_waited_out(
    lab: Lab, running: Program, conn: AsyncConnection
) -> None:
    lab.boxes.stop(patience_s=0.5)
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, requests)
    await until(conn, "select exists (select from sms.pending where not_before > now())")
    assert lab.texts() == {}

    lab.boxes.start()
    lab.boxes.wait_for_link()

    assert await final(conn, ids) == {"delivered": 9, "undelivered": 1}
    assert len(lab.simulator.records("submit_sm")) == len(ids)
