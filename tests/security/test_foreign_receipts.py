"""A receipt says something of the messages that its provider carried, and of no others (S10)."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import NOON
from tests.support.factory import (
    claim,
    hear,
    insert_outbox,
    make_provider,
    mark,
    number,
    row,
    rows,
    settle,
    states,
    value,
)
from tests.support.logins import login

KEPT = "select provider, message_id, carrier, had_it from sms.foreign_receipts order by receipt_id"


@pytest.fixture
async def db(conn: AsyncConnection) -> AsyncConnection:
    """Two accounts; every lane is with the first."""
    await make_provider(conn, "first")
    await make_provider(conn, "second", point_lanes=False)
    return conn


async def sent(
    db: AsyncConnection, message_id: int, provider: str, result: str = "accepted", *refs: str
) -> None:
    """One attempt of a message at a provider."""
    await db.execute("select sms.switch_channel('*', %s)", [provider])
    claimed = await claim(db, provider=provider)
    assert claimed.ids == [message_id]
    assert await mark(db, claimed.claim_id, claimed.ids)
    named = [(message_id, ref) for ref in refs]
    assert await settle(db, claimed.claim_id, claimed.ids, result, refs=named) == 1
    await db.execute("update sms.pending set not_before = %s where id = %s", [NOON, message_id])


@pytest.mark.parametrize("state", ["delivered", "undelivered", "expired", "rejected"])
async def test_a_strangers_receipt_moves_nothing_and_is_kept(
    db: AsyncConnection, dsn: str, state: str
) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "second")

    async with login(dsn, "sms_dlr") as receiver:
        assert await hear(receiver, (message_id, None, state), provider="first") == (1, 0, 0, 0)
    assert await states(db, message_id) == ["accepted"]
    assert (
        await value(db, "select count(*) from sms.receipt where message_id = %s", message_id) == 1
    )
    async with login(dsn, "sms_operator") as operator:
        assert await rows(operator, KEPT) == [
            {"provider": "first", "message_id": message_id, "carrier": "second", "had_it": False}
        ]
        told = await row(
            operator,
            "select verdict, detail from sms.explain(%s) where topic = 'receipt'",
            message_id,
        )
    assert told["verdict"] == "ignored"
    assert told["detail"].endswith("it never had this message")
    async with login(dsn, "sms_dlr") as receiver:
        assert await hear(receiver, (message_id, None, state), provider="second") == (1, 1, 0, 0)
    assert await states(db, message_id) == [state]


async def test_a_stranger_cannot_speak_of_what_was_never_sent(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, phone="8 495 000-00-00")
    assert await states(db, message_id) == ["suppressed"]

    await hear(db, (message_id, None, "delivered"), provider="first")

    assert await states(db, message_id) == ["suppressed"]
    assert [kept["carrier"] for kept in await rows(db, KEPT)] == [None]


async def test_a_receipt_sent_ahead_by_a_stranger_is_not_applied_later(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await hear(db, (message_id, None, "delivered"), provider="first")  # it guessed the id
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 1

    await sent(db, message_id, "second")

    assert await states(db, message_id) == ["accepted"]
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 0
    assert [(kept["provider"], kept["had_it"]) for kept in await rows(db, KEPT)] == [
        ("first", False)
    ]


async def test_the_carriers_own_receipt_is_applied_beside_a_strangers(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await hear(db, (message_id, None, "delivered"), provider="first")
    await hear(db, (message_id, None, "undelivered"), provider="second")

    await sent(db, message_id, "second")

    assert await states(db, message_id) == ["undelivered"]


async def test_the_chore_applies_no_strangers_receipt(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "second")
    for provider in ("first", "second"):
        await db.execute(
            "insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id,"
            " state) select sms.next_id(), now(), %s, p.provider_id,"
            " case p.provider when 'first' then 'delivered' else 'undelivered' end"
            " from sms.provider as p where p.provider = %s",
            [message_id, provider],
        )

    assert await value(db, "select sms.match_receipts()") == 2

    assert await states(db, message_id) == ["undelivered"]
    assert [kept["provider"] for kept in await rows(db, KEPT)] == ["first"]


async def test_of_an_earlier_attempt_only_a_delivery_counts(db: AsyncConnection) -> None:
    """A provider asked to be tried again; the message went on to another one."""
    message_id = await insert_outbox(db)
    await sent(db, message_id, "first", "retry")
    await sent(db, message_id, "second")

    await hear(db, (message_id, None, "undelivered"), provider="first")
    assert await states(db, message_id) == ["accepted"]
    assert [(kept["provider"], kept["had_it"]) for kept in await rows(db, KEPT)] == [
        ("first", True)
    ]
    await hear(db, (message_id, None, "delivered"), provider="first")
    assert await states(db, message_id) == ["delivered"]


async def test_a_doubtful_attempt_that_got_through_counts_though_it_was_resent(
    db: AsyncConnection,
) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "first", "uncertain")
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await hear(db, (message_id, None, "delivered"), provider="first")  # while it waits again

    await sent(db, message_id, "second")

    assert await states(db, message_id) == ["delivered"]
    assert await rows(db, KEPT) == []


async def test_segments_are_those_of_one_provider(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "first", "uncertain", "a1", "a2")
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[message_id]])
    await sent(db, message_id, "second", "accepted", "b1", "b2")

    await hear(db, (None, "a1", "delivered"), provider="first")
    await hear(db, (None, "b2", "delivered"), provider="second")
    assert await states(db, message_id) == ["accepted"]
    await hear(db, (None, "a2", "undelivered"), provider="first")
    assert await states(db, message_id) == ["accepted"]
    await hear(db, (None, "b1", "delivered"), provider="second")
    assert await states(db, message_id) == ["delivered"]


async def test_a_corrected_code_gives_a_stranger_no_word_either(
    db: AsyncConnection, dsn: str
) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "second")
    await hear(db, (message_id, None, "halfway"), provider="first")
    await db.execute(
        "insert into sms.receipt_code (adapter, code, state, meaning)"
        " values ('fake', 'halfway', 'delivered', 'it is there')"
    )

    async with login(dsn, "sms_operator") as operator:
        told = await row(
            operator,
            "select receipts, messages from sms.remap_receipts(now() - interval '1 hour', true)",
        )

    assert told == {"receipts": 1, "messages": 0}
    assert await states(db, message_id) == ["accepted"]


async def test_the_word_of_an_earlier_carrier_outlives_a_remapping(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "first", "retry")
    await sent(db, message_id, "second")
    await hear(db, (message_id, None, "delivered"), provider="first")
    await hear(db, (message_id, None, "halfway"), provider="second")
    await db.execute(
        "insert into sms.receipt_code (adapter, code, state, meaning)"
        " values ('fake', 'halfway', 'undelivered', 'it is not there')"
    )

    await db.execute("select sms.remap_receipts(now() - interval '1 hour', true)")

    assert await states(db, message_id) == ["delivered"]


async def test_a_forged_stop_is_known_by_the_account_that_brought_it(
    db: AsyncConnection, dsn: str
) -> None:
    async with login(dsn, "sms_dlr") as receiver:
        await receiver.execute(
            "select sms.record_inbound('first', '{f1}', %s, '{7000}', '{СТОП}')",
            [[str(number(1))]],
        )
    async with login(dsn, "sms_operator") as operator:
        said = await row(
            operator,
            "select v.provider, i.action from sms.blacklist as b"
            " join sms.inbound as i on b.created_by = 'inbound ' || i.inbound_id"
            " join sms.provider as v using (provider_id) where b.msisdn = %s",
            number(1),
        )
    assert said == {"provider": "first", "action": "stop_advertising"}


async def test_operators_and_monitoring_see_them_and_nobody_else(
    db: AsyncConnection, dsn: str
) -> None:
    message_id = await insert_outbox(db)
    await sent(db, message_id, "second")
    await hear(db, (message_id, None, "delivered"), provider="first")
    metric = (
        "select value from sms.metric_values() where metric = 'outbox_receipts_foreign'"
        " and labels ->> 'provider' = %s"
    )
    async with login(dsn, "sms_monitor") as monitor:
        assert await value(monitor, metric, "first") == 1
        assert await value(monitor, metric, "second") == 0
    for role in ("sms_erp", "sms_analyst", "sms_dlr"):
        async with login(dsn, role) as other:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await other.execute("select * from sms.foreign_receipt")
