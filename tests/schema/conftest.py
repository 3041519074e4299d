"""The stage of the tests of the schema: one database that they only look at."""

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def owner(shared_dsn: str) -> Iterator[psycopg.Connection]:
    """The owner's transaction in the shared database, rolled back in the end."""
    with psycopg.connect(shared_dsn) as conn:
        yield conn
        conn.rollback()
