"""Every SQL example of the documentation works for the role its page is written for.

The examples of a page run in order in one database (tests/docs/setup.sql fills it). A fence may say
what to expect: ```sql error=SM001``` must fail with that code, ```sql copy=…``` is given that line,
and what ```sql undo``` does is rolled back (roles belong to the whole server).
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.docs.pages import ROOT, Block, blocks, pages

READERS = {
    "README.md": "sms_erp",
    "docs/erp.md": "sms_erp",
    "docs/analysts.md": "sms_analyst",
    "docs/operators.md": "sms_operator",
    "docs/dba.md": "outbox",
    "docs/why.md": "sms_operator",
    "docs/money.md": "sms_operator",
    "docs/rules.md": "sms_operator",
    "docs/events.md": "sms_erp",
    "docs/audiences.md": "sms_analyst",
    "docs/templates.md": "sms_operator",
    "docs/providers.md": "sms_operator",
    "docs/generic_http.md": "sms_operator",
    "docs/smsc_ru.md": "sms_operator",
    "docs/uncertain.md": "sms_operator",
    "docs/failover.md": "sms_operator",
    "docs/monitoring.md": "outbox",
    "docs/campaigns.md": "sms_operator",
}
SETUP = Path(__file__).with_name("setup.sql")


def _examples(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.info.split()[:1] == ["sql"]]


@pytest.mark.parametrize("page", READERS)
async def test_examples_work_for_their_reader(
    page: str, conn: AsyncConnection, as_role: AsRole
) -> None:
    await conn.execute(SETUP.read_bytes())
    reader = conn if READERS[page] == "outbox" else await as_role(READERS[page])
    for block in _examples(ROOT / page):
        try:
            await _run(reader, block)
        except psycopg.Error as error:
            pytest.fail(f"{page}:{block.line}: {error}")


def test_no_page_has_examples_that_nobody_runs() -> None:
    having = {str(page.relative_to(ROOT)) for page in pages() if _examples(page)}
    assert having <= set(READERS)


async def _run(reader: AsyncConnection, block: Block) -> None:
    key, _, value = block.info.removeprefix("sql").strip().partition("=")
    query = block.body
    if key == "error":
        with pytest.raises(psycopg.Error) as caught:
            await reader.execute(query)
        assert caught.value.sqlstate == value, f"line {block.line}: {caught.value}"
    elif key == "copy":
        async with reader.cursor().copy(query) as copy:
            await copy.write(f"{value}\n")
    elif key == "undo":
        async with reader.transaction(force_rollback=True):
            await reader.execute(query)
    else:
        await reader.execute(query)
