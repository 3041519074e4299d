"""Codes that people corrected stay corrected, and who did it is known."""

from __future__ import annotations

from psycopg import AsyncConnection

from migrations.apply import migrate
from tests.conftest import AsRole
from tests.support.factory import row, rows, value

CODE = "select state, is_corrected from sms.receipt_code where adapter = 'kannel' and code = '2'"


async def test_a_correction_survives_migrations_until_it_is_given_up(
    dsn: str, conn: AsyncConnection, as_role: AsRole
) -> None:
    operator = await as_role("sms_operator")
    assert await row(conn, CODE) == {"state": "undelivered", "is_corrected": False}
    await operator.execute(
        "update sms.receipt_code set state = 'expired' where adapter = 'kannel' and code = '2'"
    )
    migrate(dsn)
    assert await row(conn, CODE) == {"state": "expired", "is_corrected": True}
    await operator.execute(
        "update sms.receipt_code set is_corrected = false where adapter = 'kannel' and code = '2'"
    )
    migrate(dsn)
    assert await row(conn, CODE) == {"state": "undelivered", "is_corrected": False}


async def test_who_corrected_it_is_known(conn: AsyncConnection, as_role: AsRole) -> None:
    operator = await as_role("sms_operator")
    await operator.execute(
        "insert into sms.receipt_code (adapter, code, state, meaning) "
        "values ('kannel', '77', 'expired', 'new')"
    )
    await operator.execute("update sms.receipt_code set state = null where code = '77'")

    logged = await rows(
        conn,
        """
        select done_by, action, name, detail from sms.activity
         where kind = 'receipt_code' order by activity_id
        """,
    )
    assert [(line["action"], line["name"], line["detail"]) for line in logged] == [
        ("created", "kannel 77", {"state": "expired"}),
        ("changed", "kannel 77", {"old": "expired", "new": None}),
    ]
    assert {line["done_by"] for line in logged} == {"sms_operator"}


async def test_migrations_write_no_activity(conn: AsyncConnection) -> None:
    found = "select count(*) from sms.activity where kind = 'receipt_code'"
    assert await value(conn, found) == 0
