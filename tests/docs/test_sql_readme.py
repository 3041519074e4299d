"""sql/README.md lists every function with its callers, and every error code."""

from __future__ import annotations

import re

from psycopg import AsyncConnection

from tests.docs.pages import ROOT, code, tables

PAGE = ROOT / "sql" / "README.md"
SQL_FILES = [*ROOT.glob("sql/**/*.sql"), *ROOT.glob("migrations/versions/*.sql")]


def _written() -> dict[str, list[str]]:
    rows = tables(PAGE, header="Function")
    return {code(row[0])[0].split("(")[0]: sorted(re.findall("[a-z]+", row[2])) for row in rows}


async def test_every_function_is_listed_with_its_callers(tx: AsyncConnection) -> None:
    cursor = await tx.execute(
        """
        select n.nspname || '.' || p.proname,
               array(select substr(r.rolname, 5)
                       from pg_roles as r
                      where r.rolname in ('sms_erp', 'sms_analyst', 'sms_operator', 'sms_monitor',
                                          'sms_worker', 'sms_dlr')
                        and has_function_privilege(r.oid, p.oid, 'execute')
                      order by 1)
          from pg_proc as p
          join pg_namespace as n on n.oid = p.pronamespace
         where n.nspname in ('sms', 'geo', 'sms_audience', 'sms_parser')
        """
    )
    found: dict[str, set[str]] = {}
    for name, callers in await cursor.fetchall():
        found.setdefault(name, set()).update(callers)
    assert _written() == {name: sorted(callers) for name, callers in found.items()}


def test_no_function_is_listed_twice() -> None:
    names = [code(row[0])[0].split("(")[0] for row in tables(PAGE, header="Function")]
    assert len(names) == len(set(names))


async def test_structural_functions_are_those_without_a_file(tx: AsyncConnection) -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("### Structural functions") : text.index("## Errors")]
    written = set(re.findall(r"^\| `(?:sms|geo)\.(\w+)", section, re.MULTILINE))
    cursor = await tx.execute(
        """
        select p.proname from pg_proc as p
         where p.pronamespace in ('sms'::regnamespace, 'geo'::regnamespace)
        """
    )
    files = {path.stem for path in ROOT.glob("sql/functions/*.sql")}
    assert written == {name for (name,) in await cursor.fetchall()} - files


def test_every_error_code_is_explained() -> None:
    raised = {
        found
        for path in SQL_FILES
        for found in re.findall(r"errcode = '(SM\d{3})'", path.read_text(encoding="utf-8"))
    }
    assert {code(row[0])[0] for row in tables(PAGE, header="Code")} == raised
