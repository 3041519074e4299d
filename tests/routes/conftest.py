"""The stage of the tests of routes: providers a and b, every channel routed a before b."""

import pytest
from psycopg import AsyncConnection

from tests.routes.night import Night


@pytest.fixture
async def night(tx: AsyncConnection) -> Night:
    """a and b, nothing routed yet, in a transaction that is rolled back."""
    night = Night(tx)
    await night.begin("a", "b")
    return night


@pytest.fixture
async def routed(night: Night) -> Night:
    """Every channel prefers a; b is the backup."""
    await night.db.execute("select sms.set_route('*', '{a,b}')")
    return night
