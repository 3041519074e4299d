"""From INSERT to delivered through presets: real worker, receipt server and database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from psycopg import AsyncConnection

from dlr.serve import Listener
from kannel.processes import free_ports
from outbox.tokens import account_token
from tests.chaos.books import until
from tests.peers.http_platforms import Infobip, MtsCommunicator
from tests.peers.http_service import KEY, USER, Book, Service
from tests.peers.http_services import SmsAero, SmsRu
from tests.support import factory
from tests.support.outbox_process import Programs, with_rights_of
from tests.support.waiting import eventually

TOKEN = "a-token-for-the-tests"
OWN = account_token(TOKEN, "main")
SECRET_ENV = "OUTBOX_SECRET_GENERIC"
ALL_FINAL = "select not exists (select from sms.message where state <> 'delivered')"
SOME_UNCERTAIN = "select exists (select from sms.message where state = 'uncertain')"


@pytest.fixture
def dlr_port() -> int:
    """Where receipts are heard."""
    [port] = free_ports(1)
    return port


@pytest.fixture
def programs(
    dsn: str, dlr_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Programs]:
    monkeypatch.setenv(SECRET_ENV, KEY)
    worker = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=worker, dlr_token=TOKEN, dlr_port=dlr_port) as programs:
        yield programs


async def account(conn: AsyncConnection, service: Service, port: int, **settings: object) -> None:
    given = {"preset": service.preset, "url": f"http://127.0.0.1:{port}{service.base}"}
    await factory.set_quiet_hours(conn)
    await factory.make_provider(
        conn,
        "main",
        adapter="generic_http",
        secret_env=SECRET_ENV,
        tps=5000,
        settings={**given, "username": USER, "sender_id": "BANK", **settings},
    )


async def ask(conn: AsyncConnection, count: int) -> dict[int, str]:
    """So many messages to different numbers, as the ERP asks for them."""
    texts = {factory.number(n): f"Платёж {n} зачислен" for n in range(1, count + 1)}
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body)
        select 'single', '+' || t.phone, t.body
          from unnest(%s::bigint[], %s::text[]) as t (phone, body)
        """,
        [list(texts), list(texts.values())],
    )
    return texts


async def call_back(client: httpx.AsyncClient, service: Service, book: Book, dlr_port: int) -> None:
    """The service's report, at the URL it was given or knows for the account."""
    request = service.calls_back("delivered", book)
    assert request is not None
    url = book.url or f"http://127.0.0.1:{dlr_port}/generic_http/main/{OWN}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(2):  # every service repeats itself now and then
        reply = await client.request(request.method, url, content=request.body, headers=headers)
        assert reply.status_code == 200


@pytest.mark.parametrize("kind", [SmsRu, SmsAero, Infobip], ids=lambda kind: kind.preset)
async def test_texts_go_out_and_their_reports_find_them(
    kind: type[Service], programs: Programs, dlr_port: int, conn: AsyncConnection
) -> None:
    service = kind()
    async with Listener(service, host="127.0.0.1", port=0) as listener:
        await account(conn, service, listener.port)
        program = await programs.running("run")
        texts = await ask(conn, 40)
        await eventually(lambda: len(service.books) == len(texts))
        async with httpx.AsyncClient(trust_env=False) as client:
            for book in service.books:
                await call_back(client, service, book, dlr_port)
        await until(conn, ALL_FINAL)
    assert {book.msisdn: book.body for book in service.books} == texts
    assert service.violations == []
    assert await factory.nothing_unaccounted(conn)
    said = program.log.read_text(encoding="utf-8")
    assert not any(word in said for word in (TOKEN, OWN, KEY, "зачислен", str(factory.number(1))))


async def test_lost_answers_are_looked_up_and_nothing_is_sent_twice(
    programs: Programs, conn: AsyncConnection
) -> None:
    service = MtsCommunicator(mood="silent")
    async with Listener(service, host="127.0.0.1", port=0) as listener:
        await account(conn, service, listener.port, timeout_s=0.5, back_off_s=0.2)
        await programs.running("run")
        texts = await ask(conn, 30)
        await until(conn, SOME_UNCERTAIN)
        service.mood = "well"
        await until(conn, ALL_FINAL, patience_s=60)
    assert Counter(book.msisdn for book in service.books) == Counter(texts.keys())
    assert await factory.nothing_unaccounted(conn)
