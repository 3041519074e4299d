"""What analysts own of goals: their own, and nothing that keeps others waiting."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import row, value
from tests.support.logins import Logins

MINE: LiteralString = "insert into sms.goal (goal, title) values ('paid', 'Paid')"


@pytest.mark.parametrize("role", ["sms_analyst", "sms_operator"])
@pytest.mark.parametrize("mode", ["access exclusive", "exclusive", "share row exclusive", "share"])
async def test_nobody_locks_the_table_of_goals(
    conn: AsyncConnection, people: Logins, role: str, mode: str
) -> None:
    someone = await people.connect("eve", role)
    await someone.execute("begin")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await someone.execute(f"lock table sms.goal in {mode} mode")
    assert not await value(
        conn,
        "select exists (select from pg_locks where relation = 'sms.goal'::regclass and mode like "
        "'%%Exclusive%%')",
    )


async def test_an_analyst_changes_goals_of_his_own_only(
    conn: AsyncConnection, people: Logins
) -> None:
    anna = await people.connect("anna", "sms_analyst")
    eve = await people.connect("eve", "sms_analyst")
    oleg = await people.connect("oleg", "sms_operator")
    await anna.execute(MINE)
    await anna.execute("update sms.goal set title = 'Has paid'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to"):
        await eve.execute("update sms.goal set query = 'select 1'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to"):
        await eve.execute("update sms.goal set is_enabled = false where goal = 'paid'")
    await oleg.execute("update sms.goal set is_enabled = false")
    assert await row(conn, "select title, query, is_enabled, created_by from sms.goal") == {
        "title": "Has paid", "query": None, "is_enabled": False, "created_by": people.name("anna"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "forge",
    [
        "insert into sms.goal (goal, created_by) values ('other', 'boss')",
        "update sms.goal set created_by = 'eve'",
        "update sms.goal set created_at = '2020-01-01'",
        "update sms.goal set collected_until = '2099-01-01'",
        "delete from sms.goal",
    ],
)
async def test_authors_and_stamps_are_not_for_analysts(
    conn: AsyncConnection, people: Logins, forge: LiteralString
) -> None:
    anna = await people.connect("anna", "sms_analyst")
    await anna.execute(MINE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await anna.execute(forge)
    assert await value(conn, "select array_agg(created_by) from sms.goal") == [people.name("anna")]
