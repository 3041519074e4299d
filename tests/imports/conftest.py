"""The imports end their own transaction, so here it must be open already, or they would commit."""

import pytest
from psycopg import AsyncConnection


@pytest.fixture
async def tx(tx: AsyncConnection) -> AsyncConnection:
    """The shared database, in a transaction that has begun and is rolled back in the end."""
    await tx.execute("select 1")
    return tx
