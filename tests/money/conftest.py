"""The stage of the tests of money and statistics."""

import pytest
from psycopg import AsyncConnection

from tests.support.factory import make_provider, set_caps, set_quiet_hours


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end: `post` serves every lane, nothing is held back."""
    await make_provider(tx)
    await set_quiet_hours(tx)
    await set_caps(tx)
    await tx.execute("update sms.channel set dedup_window = '0', opening_spread = '0'")
    return tx
