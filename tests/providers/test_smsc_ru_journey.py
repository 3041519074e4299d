"""From INSERT to delivered and back by STOP: real worker, receipt server and database, smsc.ru's
peer."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from psycopg import AsyncConnection

from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.books import until
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support import factory
from tests.support.outbox_process import Program, Programs, with_rights_of
from tests.support.smsc_ru import CALLBACK_ENV, settings_for
from tests.support.waiting import eventually

TOKEN = "a-token-for-the-tests"
OWN = account_token(TOKEN, "smsc")
KEY_ENV = "OUTBOX_SECRET_SMSC"
ALL_FINAL = """
    select not exists (select from sms.message
                        where state not in ('delivered', 'undelivered', 'rejected', 'suppressed'))
"""


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    """A service whose minute is a second; whatever it was asked, it was asked by the book."""
    async with smsc_ru_peer(minute_s=1.0) as peer:
        yield peer
        assert peer.rules.offences == []
        assert peer.rules.most_under_way <= 10


@pytest.fixture
async def account(
    peer: SmscRuPeer, conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """The account, serving every lane at any hour; its settings, for a test to change."""
    monkeypatch.setenv(KEY_ENV, peer.terms.key)
    monkeypatch.setenv(CALLBACK_ENV, peer.callbacks.secret)
    await factory.set_quiet_hours(conn)
    settings = settings_for(
        peer, callback_secret_env=CALLBACK_ENV, minute_s=1.2, timeout_s=2, sender_id="BANK"
    )
    await factory.make_provider(
        conn, "smsc", adapter="smsc_ru", secret_env=KEY_ENV, tps=5000, settings=settings
    )
    return settings


@pytest.fixture
def programs(peer: SmscRuPeer, dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts the outbox's programs; the service knows where receipts are heard."""
    [port] = free_ports(1)
    peer.callbacks.url = f"http://127.0.0.1:{port}/smsc_ru/smsc/{OWN}?charset=utf-8"
    worker = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=worker, dlr_token=TOKEN, dlr_port=port, lease_s=5) as programs:
        yield programs


async def ask(conn: AsyncConnection, texts: dict[int, str], *, channel: str = "single") -> None:
    """What the ERP asks for: a text for each number, in one statement."""
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body)
        select %s, '+' || t.phone, t.body from unnest(%s::bigint[], %s::text[]) as t (phone, body)
        """,
        [channel, list(texts), list(texts.values())],
    )


async def states(conn: AsyncConnection) -> Counter[str]:
    return Counter(await factory.column(conn, "select state from sms.message"))


def shown(peer: SmscRuPeer) -> dict[int, str]:
    """What each phone shows; every phone was sent to once."""
    assert max(Counter(sms.phone for sms in peer.sent).values()) == 1
    return {int(sms.phone): sms.text for sms in peer.sent}


def says_nothing(program: Program, *secrets: str) -> bool:
    said = program.log.read_text(encoding="utf-8")
    return not any(secret in said for secret in secrets)


async def test_texts_go_out_whole_and_come_back_delivered(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    peer.terms.outcomes = {"9": (20, 1)}
    program = await programs.running("run")
    texts = {
        factory.number(n): f"Платёж {n}\nзачислен {'| спасибо' * (n % 7 == 0)} \\n {n}"
        for n in range(1, 151)
    }
    await ask(conn, texts)
    await until(conn, ALL_FINAL)
    assert shown(peer) == texts
    assert await states(conn) == {"delivered": 135, "undelivered": 15}
    assert await factory.nothing_unaccounted(conn)
    failed = await factory.rows(
        conn, "select error, count(*) as n from sms.number_trouble group by error"
    )
    assert failed == [{"error": "1", "n": 15}]
    await eventually(lambda: peer.callbacks.counters["true 200"] == 150)
    await until(
        conn,
        "select exists (select from sms.provider_balance where amount > 0 and currency = 'RUB')",
    )
    secrets = (
        TOKEN,
        OWN,
        peer.terms.key,
        peer.callbacks.secret,
        "зачислен",
        str(factory.number(1)),
    )
    assert says_nothing(program, *secrets)


async def test_lost_requests_and_lost_answers_end_in_one_sms_each(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    peer.once = [
        "lost",
        "drop",
        "http_500",
        "http_502",
        "garbage",
        "cut",
        "hang",
        "error_9",
        "late",
    ]
    peer.late_s = 2.5  # when the worker has long given up
    await programs.running("run")
    texts = {factory.number(n): f"Текст {n} a|b" for n in range(1, 41)}
    await ask(conn, texts)
    await until(conn, ALL_FINAL, patience_s=90)
    assert peer.once == []
    assert shown(peer) == texts
    assert await states(conn) == {"delivered": 40}
    assert await factory.nothing_unaccounted(conn)


async def test_what_callbacks_miss_is_asked_for(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    peer.callbacks.every = 3
    await conn.execute(
        """update sms.provider set settings = settings || '{"poll_after_s": 1}'
            where provider = 'smsc'"""
    )
    await programs.running("run")
    await ask(conn, {factory.number(n): f"Текст {n}" for n in range(1, 31)})
    await until(conn, ALL_FINAL)
    assert await states(conn) == {"delivered": 30}
    await eventually(lambda: peer.callbacks.counters["true 200"] == 10)


async def test_without_money_messages_wait_and_go_when_there_is_some(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    peer.terms.balance = Decimal(1)
    await conn.execute(
        """update sms.provider set settings = settings || '{"money_rest_s": 1.5}'
            where provider = 'smsc'"""
    )
    program = await programs.running("run")
    texts = {factory.number(n): f"Текст {n}" for n in range(1, 6)}
    await ask(conn, texts)
    await eventually(lambda: peer.rules.errors[3] >= 2)
    assert set(await states(conn)) <= {"pending", "inflight"}
    assert peer.sent == []
    assert program.events("smsc_ru_trouble")
    peer.terms.balance = Decimal(1000)
    await until(conn, ALL_FINAL)
    assert shown(peer) == texts


async def test_a_stop_by_callback_stops_what_was_inserted_before_it(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    one, other = factory.number(1), factory.number(2)
    await ask(conn, {one: "Вклад под 20 %", other: "Вклад под 20 %"}, channel="planned")
    await ask(conn, {one: "Платёж получен"})
    dlr = await programs.running("dlr")
    peer.callbacks.write(phone=str(one), mes="Стоп!", to="79430000000", id="77")
    peer.callbacks.write(phone=str(one), mes="Стоп!", to="79430000000", id="77")  # told twice
    await until(conn, "select exists (select from sms.inbound)")
    heard = await factory.rows(conn, "select msisdn, body, action, provider_ref from sms.inbound")
    assert heard == [
        {"msisdn": one, "body": "Стоп!", "action": "stop_advertising", "provider_ref": "77"}
    ]
    await programs.running("worker")
    await until(conn, ALL_FINAL)
    assert shown(peer) == {other: "Вклад под 20 %", one: "Платёж получен"}
    assert await states(conn) == {"suppressed": 1, "delivered": 2}
    assert says_nothing(dlr, str(one), "Стоп", TOKEN, OWN)


async def test_a_link_on_the_phone_leads_on_and_is_counted(
    peer: SmscRuPeer, account: dict[str, object], programs: Programs, conn: AsyncConnection
) -> None:
    assert peer.callbacks.url
    base = str(httpx.URL(peer.callbacks.url).copy_with(path="/l/", query=None))
    await factory.track_clicks(conn, base=base)
    url = "https://shop.example/весна?to=вас"
    program = await programs.running("run")
    await ask(conn, {factory.number(n): f"Вам: {url}" for n in range(1, 4)})
    await until(conn, ALL_FINAL)
    links = [text.removeprefix("Вам: ") for text in shown(peer).values()]
    assert len(set(links)) == 3
    async with httpx.AsyncClient(
        headers={"User-Agent": "Mozilla/5.0 (Android 14) Chrome/130.0"}, trust_env=False
    ) as phone:
        answers = [await phone.get(link) for link in links[:2]]
    assert {answer.status_code for answer in answers} == {302}
    assert {unquote(answer.headers["Location"]) for answer in answers} == {url}
    [told] = await factory.rows(
        conn,
        """
        select messages, clicked, robots
          from sms.clicks(now() - interval '1 hour', now() + interval '1 hour', '{channel}')
        """,
    )
    assert told == {"messages": 3, "clicked": 2, "robots": 0}
    assert says_nothing(program, "shop.example", *(link.rsplit("/", 1)[1] for link in links))
