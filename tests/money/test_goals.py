"""Goals asked of the ERP's tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.factory import insert, rows, value

NOW = datetime.now(UTC)


@pytest.fixture
async def payments(db: AsyncConnection) -> AsyncConnection:
    """The ERP's table of payments, which audiences and goals may read."""
    await db.execute(
        "create table erp.payment (client_id bigint, paid_at timestamptz, amount numeric, no text)"
    )
    await db.execute("grant select on erp.payment to sms_audience")
    return db


QUERY = "select client_id, paid_at as occurred_at, amount, no as ref from erp.payment"


async def pay(db: AsyncConnection, client_id: int, ago: timedelta, no: str = "") -> None:
    await db.execute("insert into erp.payment values (%s, %s, 10, %s)", [client_id, NOW - ago, no])


async def collect(db: AsyncConnection, later: timedelta = timedelta()) -> int:
    found: int = await value(db, "select sms.collect_conversions(%s)", NOW + later)
    return found


async def test_what_happened_is_kept_once(payments: AsyncConnection) -> None:
    await insert(payments, "goal", goal="payment", query=QUERY + "  ;\n")
    await pay(payments, 1, timedelta(hours=1))
    await pay(payments, 1, timedelta(hours=1), "second")
    await pay(payments, 2, timedelta(days=100))  # before all that is asked for
    await pay(payments, 3, timedelta(days=-1))  # a date in the future
    assert await collect(payments) == 2
    assert await collect(payments, timedelta(minutes=5)) == 0
    await pay(payments, 4, timedelta(days=1))  # booked late
    assert await collect(payments, timedelta(minutes=10)) == 1
    kept = await rows(payments, "select client_id, amount, ref from sms.conversion order by 1, 3")
    assert [tuple(r.values()) for r in kept] == [(1, 10, ""), (1, 10, "second"), (4, 10, "")]


async def test_amount_and_ref_may_be_missing(payments: AsyncConnection) -> None:
    await insert(
        payments, "goal", goal="login",
        query="select client_id, paid_at as occurred_at from erp.payment",
    )  # fmt: skip
    await pay(payments, 1, timedelta(hours=1))
    assert await collect(payments) == 1
    assert await value(payments, "select amount from sms.conversion") is None


async def test_a_goal_that_fails_keeps_no_other_back(payments: AsyncConnection) -> None:
    await insert(
        payments, "goal", goal="bad", query=QUERY.replace("amount", "amount / 0 as amount")
    )
    await insert(payments, "goal", goal="good", query=QUERY)
    await pay(payments, 1, timedelta(hours=1))
    assert await collect(payments) == 1
    await collect(payments)
    failed = await rows(
        payments, "select name from sms.activity where kind = 'goal' and action = 'failed'"
    )
    assert [r["name"] for r in failed] == ["bad"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "delete from erp.payment returning client_id, paid_at as occurred_at",
            "must be one SELECT",
        ),
        ("select client_id from erp.payment", "has no column occurred_at"),
        (
            "select id as client_id, created_at as occurred_at, body as ref from sms.outbox",
            "may not",
        ),
        ("select 1; select 2", "must be one SELECT"),
        ("select client_id, paid_at as occurred_at from erp.nowhere", "cannot be run"),
    ],
)
async def test_a_query_that_could_do_harm_is_refused(
    payments: AsyncConnection, query: str, sentence: str
) -> None:
    with pytest.raises(psycopg.Error, match=sentence):
        await insert(payments, "goal", goal="payment", query=query)


async def test_the_erp_may_tell_by_itself(as_role: AsRole, conn: AsyncConnection) -> None:
    goal_id = await insert(conn, "goal", goal="purchase")
    erp = await as_role("sms_erp")
    await erp.execute(
        "insert into sms.conversion (goal_id, client_id, amount) select goal_id, 7, 99.5"
        " from sms.goal where goal = 'purchase'"
    )
    assert (
        await value(conn, "select client_id from sms.conversion where goal_id = %s", goal_id) == 7
    )


async def test_a_goal_may_call_no_more_than_an_audience(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    """What an analyst made himself would run with the rights of whoever collects."""
    await conn.execute("create schema ivanov; grant all on schema ivanov to sms_analyst")
    await conn.execute("grant usage on schema ivanov to sms_audience, sms_parser")
    analyst = await as_role("sms_analyst")
    await analyst.execute(
        """
        create function ivanov.spy(bigint) returns bigint language sql immutable as 'select $1'
        """
    )
    with pytest.raises(psycopg.Error, match="could meet the function spy"):
        await analyst.execute(
            """
            insert into sms.goal (goal, query)
            values ('spy', 'select ivanov.spy(client_id) as client_id, at as occurred_at'
                           ' from erp.action')
            """
        )
