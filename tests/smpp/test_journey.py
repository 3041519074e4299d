"""`outbox worker` alone, straight to npm's SMSC: from INSERT to delivered, and a STOP."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from kannel.simulator import Simulator, whole_octets, whole_texts
from tests.chaos.books import until
from tests.support import factory
from tests.support.outbox_process import Program, Programs, with_rights_of

SECRET = "OUTBOX_SECRET_SMPP"
US = "79430000000"
GSM = "Your code is 4711 {valid for 5 minutes}"
LONG = "Уважаемый клиент, по договору № 15/3 возникла задолженность. " * 16
URGENT, BULK = "79070000001", [f"7907000010{n}" for n in range(10)]


@pytest.fixture
async def account(
    simulator: Simulator, conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every lane points at the SMSC; no quiet hours."""
    monkeypatch.setenv(SECRET, simulator.password)
    await factory.make_provider(
        conn,
        adapter="smpp",
        secret_env=SECRET,
        tps=1000,
        settings={
            "addresses": f"127.0.0.1:{simulator.port}",
            "system_id": "outbox",
            "sender_id": US,
            "window": 50,
            "reconnect_s": 0.2,
            "timeout_s": 5,
        },
    )
    await factory.set_quiet_hours(conn)


@pytest.fixture
async def programs(account: None, dsn: str, tmp_path: Path) -> AsyncIterator[Programs]:
    """Workers with the rights of one; nobody listens for HTTP."""
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        yield programs


@pytest.fixture
async def running(programs: Programs) -> Program:
    return await programs.running("worker")


async def final(conn: AsyncConnection, ids: list[int]) -> Counter[str]:
    """Wait until all is over; these messages by state."""
    await until(conn, "select not exists (select from sms.message as m where m.final_at is null)")
    return Counter(await factory.states(conn, *ids))


async def test_every_kind_of_text_arrives_whole_and_its_receipts_are_folded(
    simulator: Simulator, running: Program, conn: AsyncConnection
) -> None:
    bulk = [{"channel": "mass", "phone": to, "body": LONG, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, bulk)
    code = await factory.insert_outbox(conn, channel="otp", phone=URGENT, body=GSM, not_before=None)
    assert await final(conn, ids) == {"delivered": 9, "undelivered": 1}
    assert await final(conn, [code]) == {"delivered": 1}

    records = simulator.records("submit_sm")
    assert dict(whole_texts(records)) == {URGENT: GSM} | dict.fromkeys(BULK, LONG)
    assert dict(whole_octets(records))[BULK[0]] == LONG.encode("utf-16-be")
    parts = Counter(record["to"] for record in records)
    for id_, to in [(code, URGENT), *zip(ids, BULK, strict=True)]:
        seen = await factory.message(conn, id_)
        assert seen["segments"] == parts[to]
    # Each part has its receipt, and each receipt found its message by the part's reference.
    [stored] = await factory.rows(conn, "select count(*) as receipts from sms.receipt")
    assert stored["receipts"] == len(records)
    assert await factory.rows(conn, "select from sms.unmatched_receipt") == []
    said = running.log.read_text(encoding="utf-8")
    assert not any(word in said for word in (URGENT, *BULK, "договору", simulator.password))


async def test_a_drain_waits_for_the_receipts(
    programs: Programs, simulator: Simulator, conn: AsyncConnection
) -> None:
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, requests)
    drain = programs.start("run", "--drain", "--receipt-wait", "20s")
    assert await drain.ended() == 0
    assert Counter(await factory.states(conn, *ids)) == {"delivered": 9, "undelivered": 1}
    assert len(simulator.records("unbind")) == 1


async def test_a_stop_over_smpp_stops_what_is_queued(
    simulator: Simulator, running: Program, conn: AsyncConnection
) -> None:
    simulator.write(sender=URGENT, to=US, text="Стоп!")
    await until(conn, "select exists (select from sms.inbound as i where i.action is not null)")
    [heard] = await factory.rows(conn, "select sender, sent_to, body, action from sms.inbound")
    assert heard == {
        "sender": f"+{URGENT}",
        "sent_to": f"+{US}",
        "body": "Стоп!",
        "action": "stop_advertising",
    }
    advert = {"channel": "planned", "body": "Вклад под 20 % годовых", "not_before": None}
    ids = await factory.insert_many(
        conn, [{"phone": URGENT, **advert}, {"phone": BULK[0], **advert}]
    )
    await until(conn, "select count(*) = 2 from sms.outcome as o where o.state <> 'accepted'")
    assert await factory.states(conn, *ids) == ["suppressed", "delivered"]
    assert [to for to, _ in whole_texts(simulator.records("submit_sm"))] == [BULK[0]]


async def test_a_restart_of_the_smsc_is_waited_out(
    simulator: Simulator, running: Program, conn: AsyncConnection
) -> None:
    simulator.stop()
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, requests)
    await until(conn, "select count(*) = 10 from sms.pending as p")
    simulator.start()
    assert await final(conn, ids) == {"delivered": 9, "undelivered": 1}
    assert len(simulator.records("submit_sm")) == len(ids)


async def test_a_throttled_account_costs_no_attempt_and_nothing_is_sent_twice(
    simulator: Simulator, running: Program, conn: AsyncConnection
) -> None:
    simulator.set_options(throttle_every=4)
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, requests)
    assert await final(conn, ids) == {"delivered": 9, "undelivered": 1}
    attempts = {(await factory.message(conn, id_))["attempts"] for id_ in ids}
    assert attempts == {1}
    records = simulator.records("submit_sm")
    assert any(record["status"] == 0x58 for record in records)
    taken = Counter(record["to"] for record in records if record["status"] == 0)
    assert taken == Counter(BULK)


async def test_what_a_dropped_link_left_open_is_uncertain_and_the_rest_arrives(
    simulator: Simulator, running: Program, conn: AsyncConnection
) -> None:
    simulator.set_options(drop_at=5, answer_ms=30)
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    ids = await factory.insert_many(conn, requests)
    await until(conn, "select count(*) = 10 from sms.outcome as o where o.state <> 'accepted'")
    states = Counter(await factory.states(conn, *ids))
    assert states["uncertain"]
    assert states["uncertain"] + states["delivered"] + states["undelivered"] == 10
    submitted = Counter(record["to"] for record in simulator.records("submit_sm"))
    assert max(submitted.values()) == 1, "nothing may be sent twice"
    assert set(submitted) == set(BULK)


async def test_a_killed_worker_leaves_doubt_and_its_successor_sends_nothing_twice(
    simulator: Simulator, programs: Programs, conn: AsyncConnection
) -> None:
    simulator.set_options(answer_ms=200)
    first = await programs.running("worker")
    requests = [{"phone": to, "body": GSM, "not_before": None} for to in BULK]
    await factory.insert_many(conn, requests)
    await until(conn, "select exists (select from sms.submitting)")
    await factory.rows(conn, "select pg_sleep(0.1)")
    first.kill()
    simulator.set_options(answer_ms=0)
    await conn.execute("update sms.inflight set lease_until = now()")
    await programs.running("worker")
    await until(conn, "select count(*) = 10 from sms.outcome as o where o.state <> 'accepted'")
    submitted = Counter(record["to"] for record in simulator.records("submit_sm"))
    assert max(submitted.values()) == 1, "nothing may be sent twice"
