"""Who created, changed, launched, paused what and when, in plain words."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.events.conftest import remind, set_rule
from tests.support.factory import insert, insert_outbox, number, rows, value


async def said(db: AsyncConnection, since: int) -> list[str]:
    """The sentences of the log from an id on."""
    entries = await rows(
        db, "select what from sms.activity_log where entry_id > %s order by entry_id", since
    )
    return [entry["what"] for entry in entries]


@pytest.fixture
async def since(db: AsyncConnection) -> int:
    """An id greater than every one so far."""
    return int(await value(db, "select sms.next_id()"))


async def test_a_change_is_one_sentence_with_old_and_new(db: AsyncConnection, since: int) -> None:
    await db.execute(
        "update sms.channel set priority = 1, sender_id = 'BANK' where channel = 'mass'"
    )
    await db.execute("update sms.cap set max_messages = 4 where channel = 'mass'")
    await db.execute("select sms.set_provider('post', p_tps => 5)")
    await db.execute("update sms.setting set value = '24' where setting = 'retention_months'")

    assert await said(db, since) == [
        "changed channel mass: priority 2 → 1, sender_id none → BANK",
        "changed cap mass day: max_messages 5 → 4",
        "changed provider post: tps 30.00 → 5.00",
        "changed setting retention_months: value 0 → 24",
    ]


async def test_changes_of_money_are_told(db: AsyncConnection, since: int) -> None:
    await db.execute("insert into sms.budget (budget, channel, amount) values ('ads', 'mass', 50)")
    await db.execute("update sms.budget set amount = 60, warned_for = '2026-01-01'")
    await db.execute("insert into sms.exchange_rate values ('EUR', '2026-01-01', 90)")
    await db.execute("delete from sms.exchange_rate where currency = 'EUR'")

    assert await said(db, since) == [
        "created budget ads: amount 50.00, channel mass, stops true, warn_at 0.80",
        "changed budget ads: amount 50.00 → 60.00",
        "created exchange rate EUR 2026-01-01: currency EUR, rate 90.000000, valid_from 2026-01-01",
        "removed exchange rate EUR 2026-01-01: currency EUR, rate 90.000000, valid_from 2026-01-01",
    ]


async def test_templates_are_told_without_their_texts(db: AsyncConnection, since: int) -> None:
    template = await insert(db, "template", template="hello", title="A greeting")
    for body in ("Здравствуйте!", "Здравствуйте, {{name|клиент}}!"):
        await insert(db, "template_version", template_id=template, body=body)

    told = await said(db, since)

    assert told[0] == "created template hello: title A greeting"
    assert [line.split(":")[0] for line in told[1:]] == [
        "created template hello@1",
        "changed template hello@2",
    ]
    assert "body 30 characters" in told[2]
    assert not any("Здравствуйте" in line for line in told)


async def test_event_types_and_rules_are_told(db: AsyncConnection, since: int) -> None:
    await remind(db)
    await set_rule(db, "due_reminder", at_local="11:00")
    await value(db, "select sms.remove_event_rule('due_reminder')")

    told = await said(db, since)

    assert told[0].startswith("created event rule due_reminder: at_local 10:00:00, cancel_key")
    assert told[1:] == [
        "changed event rule due_reminder: at_local 10:00:00 → 11:00:00",
        "removed event rule due_reminder: planned 0",
    ]


async def test_cancelling_is_told(db: AsyncConnection, since: int) -> None:
    one = await insert_outbox(db)
    several = [await insert_outbox(db) for _ in range(3)]
    await insert_outbox(db, erp_ref="ref-1")

    await value(db, "select sms.cancel(%s::bigint)", one)
    await value(db, "select sms.cancel(%s::bigint[])", several)
    await value(db, "select sms.cancel('ref-1'::text)")
    await value(db, "select sms.cancel(%s::bigint)", one)  # nothing left to cancel

    told = await said(db, since)
    assert len(told) == 3
    assert told[0].startswith(f"cancelled message {one}: ")
    assert told[1].startswith("cancelled message 3 messages: ")
    assert (await value(db, "select count(*) from sms.activity where kind = 'message'")) == 3


async def test_numbers_are_masked_and_long_lists_left_out(db: AsyncConnection, since: int) -> None:
    await insert(db, "blacklist", msisdn=number(5), reason="complaint")
    for source in ("import", "auto", "opt_out"):
        await insert(db, "blacklist", msisdn=number(6), reason="x", source=source)
    await insert(db, "consent", msisdn=79070000007, category="service", proof="x")

    [told] = await said(db, since)
    assert told.startswith("created blacklist 7907***0005: ")
    assert str(number(5)) not in told


async def test_a_row_that_goes_is_told_with_what_it_said(db: AsyncConnection, since: int) -> None:
    await db.execute("delete from sms.cap where channel = 'planned'")

    assert await said(db, since) == [
        "removed cap planned day: channel planned, max_messages 2, per number, period day, "
        "reason not to be a nuisance"
    ]


@pytest.mark.parametrize("table", ["template", "template_version", "audience", "campaign",
                                   "event_type", "event_rule", "channel", "provider", "tariff",
                                   "cap", "quiet_hours", "setting"])  # fmt: skip
async def test_every_table_by_which_people_steer_is_watched(
    db: AsyncConnection, table: str
) -> None:
    watched = await value(
        db,
        """
        select count(*) from pg_trigger as t
         where t.tgrelid = ('sms.' || %s)::regclass and t.tgfoid = 'sms.audit_rule'::regproc
        """,
        table,
    )
    assert watched == 4  # insert, update, delete, truncate


async def test_who_did_it_is_the_login_also_behind_a_role(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    operator = await as_role("sms_operator")
    await operator.execute("update sms.channel set priority = 1 where channel = 'mass'")

    [entry] = await rows(conn, "select * from sms.activity_log where kind = 'channel' and action ="
                               " 'changed'")  # fmt: skip
    assert (entry["who"], entry["acted_as"]) == ("sms_operator", "sms_operator")
    assert (entry["name"], entry["at"] is not None) == ("mass", True)
    [read] = await rows(operator, "select what from sms.activity_log where entry_id = %s",
                        entry["entry_id"])  # fmt: skip
    assert read["what"] == "changed channel mass: priority 2 → 1"


@pytest.mark.parametrize(
    "act",
    [
        "delete from sms.activity",
        "update sms.activity set done_by = 'nobody'",
        "insert into sms.activity (acted_as, action, kind, name) values ('x', 'x', 'x', 'x')",
        "select sms.log_activity('x', 'x', 'x')",
    ],
)
async def test_nobody_writes_the_log_by_hand(as_role: AsRole, act: LiteralString) -> None:
    for role in ("sms_operator", "sms_erp", "sms_analyst"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await (await as_role(role)).execute(act)
