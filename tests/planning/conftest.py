"""A history of two years in sums, as the statistics would have left it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest


@pytest.fixture
def history(dsn: str) -> str:
    """The DSN of a database with two years of two channels over two providers, and tariffs."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute((Path(__file__).parent / "history.sql").read_bytes())
    return dsn
