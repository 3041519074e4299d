"""The stage of the tests of SQL functions."""

import pytest
from psycopg import AsyncConnection

from tests.support.factory import make_provider


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end, in which the provider `post` serves every lane."""
    await make_provider(tx)
    return tx
