"""What the ERP pays: bulk inserts beside a bare table, and single-row commits."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

from bench.lab import Lab, Requests, Spent
from outbox.server_programs import program

CONNECTIONS = 32
COLUMNS: LiteralString = "(channel, phone, body, vars, erp_ref, client_id)"
TO_OUTBOX: LiteralString = "copy sms.outbox " + COLUMNS + " from stdin"
TO_BARE: LiteralString = "copy bench.bare " + COLUMNS + " from stdin"
TEMPLATE = "Добрый день, {{name}}! Сумма {{sum}} руб. до {{day|пятницы}}."
FILLED: LiteralString = """
    copy (select channel, phone, 'bench', jsonb_build_object('name', 'Анна', 'sum', 1500), erp_ref,
                 client_id
            from bench.requests(%s, %s, %s, %s, %s, %s)) to stdout
"""
TO_TEMPLATE: LiteralString = """
    copy sms.outbox (channel, phone, template, vars, erp_ref, client_id) from stdin
"""
_ROW = """\
\\set phone random(79430000000, 79489999999)
insert into {table} (channel, phone, body, client_id)
values ('mass', (:phone)::text, 'Напоминаем: завтра платёж по договору.', :phone)
"""


def copy_in(lab: Lab, blocks: list[bytes], query: LiteralString) -> None:
    """COPY each block in a transaction of its own."""
    with lab.connect() as conn, conn.cursor() as cursor:
        for block in blocks:
            with cursor.copy(query) as copy:
                copy.write(block)


def _time_copy(lab: Lab, query: LiteralString) -> Spent:
    blocks = lab.make(Requests(count=lab.sizes.inserted))
    with lab.measure() as spent:
        copy_in(lab, blocks, query)
    return spent


def bulk_insert(lab: Lab) -> None:
    """COPY, 1,000 rows a transaction: the outbox against a table with only a key."""
    rows = lab.sizes.inserted
    bare = _time_copy(lab, TO_BARE)
    full = _time_copy(lab, TO_OUTBOX)
    lab.note("insert.bare.rate", rows / bare.seconds)
    lab.note("insert.rate", rows / full.seconds)
    lab.note("insert.ratio", bare.seconds / full.seconds)
    lab.note("insert.us", full.server_us / rows)
    lab.note("insert.wal", full.wal / rows)
    with lab.connect() as conn:
        conn.execute("truncate bench.bare")
    lab.reset()


def template_insert(lab: Lab) -> None:
    """The same with a template of three variables, filled in and measured at every insert."""
    with lab.connect() as conn:
        conn.execute("select sms.save_template('bench', %s)", (TEMPLATE,))
    blocks = lab.make(Requests(count=lab.sizes.inserted), FILLED)
    with lab.measure() as spent:
        copy_in(lab, blocks, TO_TEMPLATE)
    lab.note("template.us", spent.server_us / lab.sizes.inserted)
    lab.reset()


def single_rows(lab: Lab) -> None:
    """One row a commit, 32 connections: bare, worker awake, and a worker that never wakes."""
    bare = _commits(lab, "bench.bare")
    awake = _commits(lab, "sms.outbox")
    with _sleeper(lab):
        asleep = _commits(lab, "sms.outbox")
    lab.note("commit.bare", bare)
    lab.note("commit.awake", awake)
    lab.note("commit.asleep", asleep)
    with lab.connect() as conn:
        conn.execute("truncate bench.bare")
    lab.reset()


def _commits(lab: Lab, table: str) -> float:
    """Commits a second by pgbench."""
    with TemporaryDirectory() as folder:
        script = Path(folder, "row.sql")
        script.write_text(_ROW.format(table=table))
        answer = subprocess.run(
            [
                program("pgbench"), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2",
                "-T", str(lab.sizes.commit_s), "-f", str(script), lab.dsn,
            ],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"^tps = ([\d.]+)", answer.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench did not say how fast it was: {answer.stdout}")
    return float(found[1])


@contextmanager
def _sleeper(lab: Lab) -> Iterator[None]:
    """A worker that sleeps at the bulk gate whatever it hears, so that every statement rings."""
    with lab.connect() as conn:
        conn.execute("listen sms_bulk")
        row = conn.execute("select sms.try_sleep(1)").fetchone()
        if row is None or row[0] is None:
            raise RuntimeError("the sleep gate is taken")
        yield
