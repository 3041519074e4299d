"""A database with a month in it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest


@pytest.fixture
def october(dsn: str) -> str:
    """The DSN of a database whose October 2026 is full; its fees, forecast and goal too."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute((Path(__file__).parent / "month.sql").read_bytes())
    return dsn
