"""Everybody of these tests logs in for real."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from tests.support.logins import Logins, logins


@pytest.fixture
async def people(conn: AsyncConnection, dsn: str) -> AsyncIterator[Logins]:
    """`await people.connect('anna', 'sms_operator')` logs in to the test's own database."""
    async with logins(conn, dsn) as made:
        yield made
