"""Every change of a rule is kept, and rules_as_of tells what was in force."""

from datetime import datetime
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import Row, changes, column, insert, number, row, rows, value

ONE_MORE = {
    "channel": "insert into sms.channel (channel, title, category, priority)"
    " values ('news', 'News', 'service', 3)",
    "cap": "insert into sms.cap (period, max_messages) values ('day', 9)",
    "quiet_hours": "insert into sms.quiet_hours (category, quiet_from, quiet_until)"
    " values ('service', '1:00', '2:00')",
    "holiday": "insert into sms.holiday (day, kind) values ('2031-01-01', 'off')",
    "blacklist": "insert into sms.blacklist (prefix, reason) values ('7935', 'x')",
    "recipient_group": "insert into sms.recipient_group (recipient_group) values ('staff')",
    "auto_blacklist_rule": "insert into sms.auto_blacklist_rule (class, times, span, reason)"
    " values ('unreachable', 9, '9 days', 'x')",
    "consent": "insert into sms.consent (client_id, category, proof) values (7, 'service', 'x')",
    "stop_word": "insert into sms.stop_word (word, meaning) values ('basta', 'stop')",
    "receipt_code": "insert into sms.receipt_code (adapter, code, state, meaning)"
    " values ('fake', 'x', 'delivered', 'x')",
    "receipt_error": "insert into sms.receipt_error (adapter, error, class, meaning)"
    " values ('fake', 'x', 'temporary', 'x')",
    "campaign": "insert into sms.campaign (campaign) values ('spring')",
    "setting": "insert into sms.setting (setting, value, meaning) values ('x', '1', 'x')",
    "client_zone": "insert into sms.client_zone (client_id, zone_id) values (1, 0)",
    "budget": "insert into sms.budget (budget, channel, amount) values ('ads', 'mass', 1000)",
    "goal": "insert into sms.goal (goal) values ('paid')",
    "monthly_fee": "insert into sms.monthly_fee (provider_id, kind, amount, valid_from)"
    " select min(provider_id), 'account', 5, '2026-01-01' from sms.provider",
    "exchange_rate": "insert into sms.exchange_rate values ('EUR', '2026-01-01', 90)",
    "region_timezone": "insert into sms.region_timezone (region, time_zone)"
    " values ('Новая область', 'Europe/Moscow')",
}


async def clock(db: AsyncConnection) -> datetime:
    """Now, by the server."""
    now: datetime = await value(db, "select clock_timestamp()")
    return now


async def in_force(db: AsyncConnection, at: datetime, table: str | None = None) -> list[Row]:
    """The rules of that moment."""
    return await rows(db, "select * from sms.rules_as_of(%s, %s)", at, table)


@pytest.mark.parametrize("table", ONE_MORE)
async def test_a_new_row_of_any_rule_table_is_kept(
    db: AsyncConnection, table: LiteralString
) -> None:
    before = len(await changes(db, table))
    await db.execute(ONE_MORE[table])

    (change,) = (await changes(db, table))[before:]

    assert change["action"] == "insert"
    assert change["old"] is None
    assert change["new"] in await column(
        db,
        f"select to_jsonb(t) from sms.{table} as t",  # noqa: S608
    )
    assert change["changed_by"] == await value(db, "select session_user::text")


async def test_members_of_groups_are_kept_too(db: AsyncConnection) -> None:
    group = await insert(db, "recipient_group", recipient_group="staff")
    member = await insert(db, "recipient_group_member", group_id=group, client_id=5)
    await db.execute("delete from sms.recipient_group")

    seen = [(change["action"], change["rule_key"]) for change in
            await changes(db, "recipient_group_member")]  # fmt: skip
    assert seen == [("insert", str(member)), ("delete", str(member))]


async def test_a_change_tells_the_row_before_and_after(db: AsyncConnection) -> None:
    cap = await insert(db, "cap", period="day", max_messages=3, reason="a promise")
    await db.execute("update sms.cap set max_messages = 5 where cap_id = %s", [cap])
    await db.execute("delete from sms.cap where cap_id = %s", [cap])

    mine = [c for c in await changes(db, "cap") if c["rule_key"] == str(cap)]

    assert [change["action"] for change in mine] == ["insert", "update", "delete"]
    assert [(c["old"] or {}).get("max_messages") for c in mine] == [None, 3, 5]
    assert [(c["new"] or {}).get("max_messages") for c in mine] == [3, 5, None]
    assert mine[0]["changed_at"] <= mine[1]["changed_at"] <= mine[2]["changed_at"]


async def test_an_update_that_changes_nothing_leaves_no_trace(db: AsyncConnection) -> None:
    cap = await insert(db, "cap", period="day", max_messages=3)
    before = len(await changes(db, "cap"))
    await db.execute("update sms.cap set max_messages = 3 where cap_id = %s", [cap])

    assert len(await changes(db, "cap")) == before


async def test_what_the_machinery_notes_in_a_row_is_no_change_of_it(db: AsyncConnection) -> None:
    await db.execute("insert into sms.goal (goal) values ('paid')")
    await db.execute(ONE_MORE["budget"])

    await db.execute("update sms.goal set collected_until = now()")
    await db.execute("update sms.budget set warned_for = '2026-01-01', stopped_for = '2026-01-01'")
    assert [c["action"] for c in await changes(db, "goal")] == ["insert"]
    assert [c["action"] for c in await changes(db, "budget")] == ["insert"]

    await db.execute("update sms.budget set amount = 2000, stopped_for = null")
    assert [c["action"] for c in await changes(db, "budget")] == ["insert", "update"]


async def test_a_change_of_the_key_is_a_row_gone_and_a_row_come(db: AsyncConnection) -> None:
    await db.execute("update sms.stop_word set word = 'hush' where word = 'stop'")

    gone, came = sorted((await changes(db, "stop_word"))[-2:], key=lambda c: c["action"])
    assert (gone["action"], gone["rule_key"], gone["new"]) == ("delete", "stop", None)
    assert (came["action"], came["rule_key"], came["old"]) == ("insert", "hush", None)


async def test_each_row_of_a_bulk_insert_is_kept(db: AsyncConnection) -> None:
    await db.execute(
        """
        insert into sms.blacklist (msisdn, reason, source)
        select 79350000000 + n, 'line ' || n, 'import' from generate_series(1, 5000) as n
        """
    )

    kept = await row(
        db,
        """
        select count(*) as changes, count(distinct rule_key) as keys,
               count(distinct new ->> 'msisdn') as numbers, min(action) as action
          from sms.rule_change where rule_table = 'blacklist'
        """,
    )
    assert kept == {"changes": 5000, "keys": 5000, "numbers": 5000, "action": "insert"}


async def test_it_is_kept_who_did_it_and_in_which_role(db: AsyncConnection) -> None:
    login = await value(db, "select session_user::text")
    await db.execute("set local role sms_operator")
    await db.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'asked us')", [number(1)]
    )
    await db.execute("reset role")

    (change,) = await changes(db, "blacklist")

    assert (change["changed_by"], change["acted_as"]) == (login, "sms_operator")
    assert change["new"]["created_by"] == login


async def test_the_same_error_of_two_adapters_is_two_histories(db: AsyncConnection) -> None:
    await insert(db, "receipt_error", adapter="fake", error="1", **{"class": "content"}, meaning="")
    before = len(await changes(db, "receipt_error"))
    await db.execute("update sms.receipt_error set meaning = 'new' where error = '1'")

    made = (await changes(db, "receipt_error"))[before:]

    assert sorted((c["old"]["adapter"], c["new"]["adapter"]) for c in made) == [
        ("fake", "fake"),
        ("smsc_ru", "smsc_ru"),
    ]


@pytest.mark.parametrize("table", ["cap", "blacklist", "stop_word"])
async def test_emptying_a_rule_table_is_kept_as_the_end_of_each_row(
    db: AsyncConnection, table: LiteralString
) -> None:
    await db.execute(ONE_MORE[table])
    there = await column(db, f"select to_jsonb(t) from sms.{table} as t")  # noqa: S608
    before = len(await changes(db, table))

    await db.execute(f"truncate sms.{table}")

    made = (await changes(db, table))[before:]
    assert {change["action"] for change in made} == {"delete"}
    assert sorted(str(change["old"]) for change in made) == sorted(map(str, there))
    assert await in_force(db, await clock(db), table) == []


async def test_rules_as_of_refuses_a_table_that_is_none(db: AsyncConnection) -> None:
    """An empty answer would read as: there was no cap."""
    with pytest.raises(psycopg.Error, match='no changes are kept of a table "caps"') as refused:
        await in_force(db, await clock(db), "caps")

    assert refused.value.sqlstate == "SM015"
    assert "cap, channel, client_zone" in (refused.value.diag.message_hint or "")


async def test_rules_as_of_no_moment_are_those_of_now(db: AsyncConnection) -> None:
    cap = await insert(db, "cap", period="day", max_messages=3)

    found = await rows(db, "select rule_key from sms.rules_as_of(null, 'cap')")

    assert str(cap) in [rule["rule_key"] for rule in found]


async def test_rules_as_of_tells_what_was_in_force(db: AsyncConnection) -> None:
    never = await clock(db)
    cap = await insert(db, "cap", period="day", max_messages=3)
    first = await clock(db)
    await db.execute("update sms.cap set max_messages = 5")
    second = await clock(db)
    await db.execute("delete from sms.cap")
    gone = await clock(db)

    async def caps(at: datetime) -> list[Any]:
        return [
            found["rule"]["max_messages"]
            for found in await in_force(db, at, "cap")
            if found["rule_key"] == str(cap)
        ]

    assert await caps(never) == []
    assert await caps(first) == [3]
    assert await caps(second) == [5]
    assert await caps(gone) == []


async def test_each_rule_comes_with_version_and_author(db: AsyncConnection) -> None:
    cap = await insert(db, "cap", period="day", max_messages=3)
    await db.execute("update sms.cap set max_messages = 5")
    change = (await changes(db, "cap"))[-1]

    (found,) = await in_force(db, await clock(db), "cap")

    assert found == {
        "rule_table": "cap",
        "rule_key": str(cap),
        "version": change["change_id"],
        "since": change["changed_at"],
        "changed_by": change["changed_by"],
        "rule": change["new"],
    }


async def test_the_rules_of_a_new_installation_are_in_force_from_its_beginning(
    tx: AsyncConnection,
) -> None:
    now = await in_force(tx, await clock(tx))
    by_table: dict[str, set[str]] = {}
    for found in now:
        by_table.setdefault(found["rule_table"], set()).add(found["rule_key"])

    for table, key in (
        ("channel", "channel_id"),
        ("cap", "cap_id"),
        ("quiet_hours", "quiet_hours_id"),
        ("auto_blacklist_rule", "auto_rule_id"),
        ("stop_word", "word"),
        ("setting", "setting"),
        ("receipt_code", "adapter || ' ' || code"),
    ):
        there = await column(tx, f"select {key}::text from sms.{table}")  # noqa: S608
        assert by_table[table] == set(there), table
    assert "blacklist" not in by_table


async def test_long_lists_are_told_only_when_asked_for(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="x")
    now = await clock(db)

    assert len(await in_force(db, now, "blacklist")) == 1
    assert "blacklist" not in {found["rule_table"] for found in await in_force(db, now)}


@pytest.mark.parametrize("role", ["sms_erp", "sms_operator", "sms_worker"])
async def test_history_cannot_be_rewritten(db: AsyncConnection, role: LiteralString) -> None:
    await db.execute(f"set local role {role}")

    for act in ("delete from sms.rule_change", "update sms.rule_change set new = null",
                "insert into sms.rule_change (rule_table, rule_key, action)"
                " values ('cap', '1', 'insert')"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.transaction():
                await db.execute(act)
