"""Lists in the documentation (reasons, columns, tables, roles, channels) match the database."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection

from tests.docs.pages import ROOT, code, tables

ERP = ROOT / "docs" / "erp.md"
DBA = ROOT / "docs" / "dba.md"


async def test_erp_page_explains_every_reason(tx: AsyncConnection) -> None:
    written = [name for row in tables(ERP, header="Reason") for name in code(row[0])]
    assert sorted(written) == await _column(tx, "select reason from sms.reason order by 1")


async def test_erp_page_explains_every_column_the_erp_may_write(tx: AsyncConnection) -> None:
    written = {code(row[0])[0] for row in tables(ERP, header="Column") if len(row) == 3}
    assert written == set(
        await _column(
            tx,
            """
            select a.attname
              from pg_attribute as a
             where a.attrelid = 'sms.outbox'::regclass and a.attnum > 0
               and has_column_privilege('sms_erp', a.attrelid, a.attnum, 'insert')
            """,
        )
    )


async def test_erp_page_shows_the_channels_of_a_new_installation(tx: AsyncConnection) -> None:
    written = {(code(row[0])[0], row[2], int(row[3])) for row in tables(ERP, header="Channel")}
    assert written == set(await _rows(tx, "select channel, category, priority from sms.channel"))


@pytest.mark.parametrize(
    "page",
    [pytest.param("docs/erp.md", id="erp"), pytest.param("docs/analysts.md", id="analysts")],
)
async def test_every_column_of_the_message_view_is_explained(
    tx: AsyncConnection, page: str
) -> None:
    written = {
        name
        for row in tables(ROOT / page, header="Column")
        if len(row) == 2
        for name in code(row[0])
    }
    assert written == set(
        await _column(
            tx,
            """
            select a.attname from pg_attribute as a
             where a.attrelid = 'sms.message'::regclass and a.attnum > 0
            """,
        )
    )


async def test_dba_page_names_every_table(tx: AsyncConnection) -> None:
    written = {name for row in tables(DBA, header="Table") for name in code(row[0])}
    assert written == set(
        await _column(
            tx,
            """
            select format('%s.%s', c.relnamespace::regnamespace, c.relname)
              from pg_class as c
             where c.relnamespace in ('sms'::regnamespace, 'geo'::regnamespace)
               and c.relkind in ('r', 'p') and not c.relispartition
            """,
        )
    )


async def test_dba_page_names_every_role(tx: AsyncConnection) -> None:
    written = {code(row[0])[0] for row in tables(DBA, header="Role")}
    roles = "select rolname from pg_roles where rolname like 'sms\\_%' and not rolcanlogin"
    assert written == set(await _column(tx, roles))


async def _column(tx: AsyncConnection, query: LiteralString) -> list[Any]:
    return [row[0] for row in await _rows(tx, query)]


async def _rows(tx: AsyncConnection, query: LiteralString) -> list[tuple[Any, ...]]:
    return await (await tx.execute(query)).fetchall()
