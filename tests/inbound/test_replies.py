"""What subscribers write and what it does: opt-outs, their answer, the way back, the ERP's bell."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import AsyncConnection

from outbox.rows import Heard
from providers.base import Inbound
from tests.conftest import AsRole
from tests.inbound.conftest import hear, said
from tests.support import factory

ANSWER = "Вы отписаны."


@pytest.fixture(autouse=True)
async def post(conn: AsyncConnection) -> None:
    """An account that serves every lane, and no silence."""
    await conn.execute("delete from sms.quiet_hours")
    await factory.make_provider(conn)


async def ask(conn: AsyncConnection, channel: str, *subscribers: int) -> list[int]:
    """Messages that wait, inserted before anybody replies."""
    return await factory.insert_many(
        conn, [{"channel": channel, "phone": str(factory.number(n))} for n in subscribers]
    )


async def actions(conn: AsyncConnection) -> list[str | None]:
    """What was understood, oldest first."""
    return await factory.column(conn, "select action from sms.inbound order by inbound_id")


async def opted_out(conn: AsyncConnection) -> list[tuple[int, str | None]]:
    """Numbers that opted out, and of which category; None: of everything."""
    rows = await factory.rows(
        conn,
        "select msisdn, category from sms.blacklist where source = 'opt_out' order by 1, 2",
    )
    return [(row["msisdn"], row["category"]) for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "СТОП",
        "стоп",
        "Стоп.",
        "  стоп \n",
        "STOP",
        "stop!",
        "SТОP",  # Latin S and P, Cyrillic Т and О
        "CTОП",  # Latin C and T, Cyrillic О and П
        "cтoп",
        "отписка",
        "Отписаться",
        "стоп реклама",
        "пожалуйста стоп",
        "Unsubscribe",
    ],
)
async def test_a_stop_in_any_letters_stops_advertising_that_waits_already(
    conn: AsyncConnection, text: str
) -> None:
    [advertisement, other] = await ask(conn, "planned", 1, 2)
    [notice] = await ask(conn, "single", 1)
    assert await hear(conn, said(text)) == Heard(stored=1, opted_out=1)
    assert await actions(conn) == ["stop_advertising"]
    assert await opted_out(conn) == [(factory.number(1), "advertising")]
    assert await factory.claim_all(conn) == sorted([other, notice])
    assert (await factory.message(conn, advertisement))["reason"] == "blacklist"


@pytest.mark.parametrize("text", ["стоп все", "СТОП ВСЁ", "Stop all", "CTOП BCE", "все стоп"])
async def test_stop_with_all_stops_everything(conn: AsyncConnection, text: str) -> None:
    ids = await ask(conn, "planned", 1) + await ask(conn, "single", 1) + await ask(conn, "mass", 1)
    assert await hear(conn, said(text)) == Heard(stored=1, opted_out=1)
    assert await opted_out(conn) == [(factory.number(1), None)]
    assert await factory.claim_all(conn) == []
    assert set(await factory.states(conn, *ids)) == {"suppressed"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "Спасибо",
        "остановка автобуса",
        "когда придёт карта? прошу не останавливать доставку",
        "все",
        "Подскажите, как мне сделать стоп платежа по карте",
    ],
)
async def test_a_message_for_people_is_kept_and_stops_nothing(
    conn: AsyncConnection, text: str
) -> None:
    ids = await ask(conn, "planned", 1)
    assert await hear(conn, said(text)) == Heard(stored=1, opted_out=0)
    assert await actions(conn) == [None]
    assert await opted_out(conn) == []
    assert await factory.claim_all(conn) == ids


async def test_start_lifts_the_subscribers_own_opt_out_and_nothing_else(
    conn: AsyncConnection,
) -> None:
    await factory.insert(conn, "blacklist", msisdn=factory.number(2), reason="a court's order")
    await hear(conn, said("стоп"), said("стоп", n=2), said("стоп все", n=3))
    assert await hear(conn, said("Старт"), said("START", n=2)) == Heard(stored=2, opted_out=0)
    assert await opted_out(conn) == [(factory.number(3), None)]
    first, second, third = await ask(conn, "planned", 1, 2, 3)
    assert await factory.claim_all(conn) == [first]
    assert await factory.states(conn, second, third) == ["suppressed", "suppressed"]


async def test_a_repeated_report_is_kept_once_and_obeyed_once(conn: AsyncConnection) -> None:
    await conn.execute(
        "update sms.setting set value = %s where setting = 'opt_out_answer'", [ANSWER]
    )
    assert await hear(conn, said("стоп", ref="a"), said("стоп", ref="a")) == Heard(
        stored=1, opted_out=1
    )
    assert await hear(conn, said("стоп", ref="a")) == Heard(stored=0, opted_out=0)
    assert await actions(conn) == ["stop_advertising"]
    assert await factory.value(conn, "select count(*) from sms.message") == 1


async def test_without_a_reference_each_report_is_kept(conn: AsyncConnection) -> None:
    assert await hear(conn, said("да"), said("да")) == Heard(stored=2, opted_out=0)


async def test_the_same_reference_of_another_provider_is_another_message(
    conn: AsyncConnection,
) -> None:
    await factory.make_provider(conn, "second", point_lanes=False)
    await hear(conn, said("да", ref="a"))
    await conn.execute(
        """
        select sms.record_inbound(p_provider => 'second', p_refs => '{a}',
                                  p_senders => '{+79070000001}', p_sent_tos => '{null}',
                                  p_bodies => '{да}')
        """
    )
    assert await actions(conn) == [None, None]


async def test_a_stop_after_a_start_stops_again(conn: AsyncConnection) -> None:
    for text in ("стоп", "старт", "стоп"):
        await hear(conn, said(text))
    assert await opted_out(conn) == [(factory.number(1), "advertising")]


async def test_the_answer_goes_out_although_its_reader_opted_out_of_all(
    conn: AsyncConnection,
) -> None:
    await conn.execute(
        "update sms.setting set value = %s where setting = 'opt_out_answer'", [ANSWER]
    )
    notice = await factory.insert_outbox(conn, phone=str(factory.number(1)), not_before=None)
    await hear(conn, said("стоп все"))
    claimed = await factory.claim(conn, as_of=None)
    while not claimed.ids:  # the notice was judged first, and the answer waited for that
        assert claimed.judged
        claimed = await factory.claim(conn, as_of=None)
    assert (claimed.msisdns, claimed.bodies) == ([factory.number(1)], [ANSWER])
    assert (await factory.message(conn, claimed.ids[0]))["channel"] == "reply"
    assert await factory.states(conn, notice) == ["suppressed"]


async def test_without_a_text_nothing_answers(conn: AsyncConnection) -> None:
    await hear(conn, said("стоп"))
    assert await factory.value(conn, "select count(*) from sms.outbox") == 0


async def test_a_stop_withdraws_the_consents_it_speaks_of(conn: AsyncConnection) -> None:
    for n, category in ((1, "advertising"), (1, "service"), (2, "advertising"), (3, "service")):
        await factory.insert(
            conn, "consent", msisdn=factory.number(n), category=category, proof="form 7"
        )
    await hear(conn, said("стоп"), said("стоп все", n=3))
    rows = await factory.rows(
        conn,
        """
        select msisdn, category, withdrawn_by is not null as withdrawn
          from sms.consent
         order by consent_id
        """,
    )
    assert [(row["msisdn"] % 10, row["category"], row["withdrawn"]) for row in rows] == [
        (1, "advertising", True),
        (1, "service", False),
        (2, "advertising", False),
        (3, "service", True),
    ]


async def test_a_sender_that_is_no_mobile_number_is_kept_and_blacklists_nobody(
    conn: AsyncConnection,
) -> None:
    stop = Inbound(ref=None, sender="BANK", sent_to=None, body="стоп")
    assert await hear(conn, stop) == Heard(stored=1, opted_out=0)
    row = await factory.row(conn, "select msisdn, sender, action from sms.inbound")
    assert row == {"msisdn": None, "sender": "BANK", "action": None}


async def test_the_erp_hears_that_there_is_something_to_read(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    erp = await as_role("sms_erp")
    await erp.execute("listen sms_inbound")
    dlr = await as_role("sms_dlr")
    await hear(dlr, said("Перезвоните мне", ref="a"))
    async with asyncio.timeout(20):
        notice = await anext(erp.notifies())
    assert (notice.channel, notice.payload) == ("sms_inbound", "")
    assert await factory.column(erp, "select body from sms.inbound") == ["Перезвоните мне"]
    await hear(dlr, said("Перезвоните мне", ref="a"))
    assert [n async for n in erp.notifies(timeout=0.3)] == []


async def test_the_receipt_server_may_tell_but_not_read(as_role: AsRole) -> None:
    dlr = await as_role("sms_dlr")
    await hear(dlr, said("да"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await dlr.execute("select * from sms.inbound")
