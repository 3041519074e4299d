"""plpgsql_check reads every function body, with the tables that triggers run on."""

import psycopg
import pytest

# A function that serves several triggers of a table sees the rows that any of them shows it.
FINDINGS = """
    select p.oid::regprocedure || ' line ' || coalesce(f.lineno::text, '?') || ': ' || f.message
      from pg_proc as p
      join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
      left join (select x.tgfoid, x.tgrelid,
                        max(x.tgoldtable) as old_rows, max(x.tgnewtable) as new_rows
                   from pg_trigger as x
                  where not x.tgisinternal and x.tgparentid = 0
                  group by x.tgfoid, x.tgrelid) as t on t.tgfoid = p.oid
      cross join lateral plpgsql_check_function_tb(
               p.oid, coalesce(t.tgrelid, 0), oldtable => t.old_rows, newtable => t.new_rows,
               fatal_errors => false, other_warnings => true, extra_warnings => true,
               security_warnings => true, performance_warnings => false) as f
     where p.pronamespace in ('sms'::regnamespace, 'geo'::regnamespace)
       and (p.prorettype <> 'trigger'::regtype or t.tgrelid is not null)
"""
UNUSED_TRIGGERS = """
    select p.oid::regprocedure::text
      from pg_proc as p
     where p.pronamespace in ('sms'::regnamespace, 'geo'::regnamespace)
       and p.prorettype = 'trigger'::regtype
       and not exists (select from pg_trigger as t where t.tgfoid = p.oid)
"""


@pytest.fixture
def checker(owner: psycopg.Connection) -> psycopg.Connection:
    """The owner with plpgsql_check at hand."""
    offered = owner.execute(
        "select from pg_available_extensions where name = 'plpgsql_check'"
    ).fetchone()
    if offered is None:
        pytest.skip("the server does not offer the extension plpgsql_check")
    owner.execute("create extension plpgsql_check")
    return owner


def test_it_finds_nothing(checker: psycopg.Connection) -> None:
    assert [row[0] for row in checker.execute(FINDINGS)] == []


def test_it_would_find_a_wrong_name(checker: psycopg.Connection) -> None:
    checker.execute(
        """
        create function sms.broken() returns int language plpgsql
        as 'begin return (select p.phone from sms.pending as p limit 1); end'
        """
    )

    (finding,) = [row[0] for row in checker.execute(FINDINGS) if "broken" in row[0]]

    assert "column p.phone does not exist" in finding


def test_every_trigger_function_is_used_by_a_trigger(owner: psycopg.Connection) -> None:
    assert owner.execute(UNUSED_TRIGGERS).fetchall() == []
