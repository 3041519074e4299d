"""The stage of the tests of campaigns: clients, a text, an audience, a provider, no silence."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection

from tests.campaigns.stage import Stage
from tests.support import factory


@pytest.fixture
async def stage(conn: AsyncConnection) -> Stage:
    """A database of its own with the campaign's ingredients; nobody is a client yet."""
    return await _prepare(conn)


@pytest.fixture
async def scene(tx: AsyncConnection) -> Stage:
    """The same in a transaction that is rolled back: for what needs no second session."""
    return await _prepare(tx)


async def _prepare(conn: AsyncConnection) -> Stage:
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    await factory.add_template(conn, "offer", "Здравствуйте, {{name|клиент}}!")
    stage = Stage(conn)
    await stage.audience("everybody", "select client_id, phone, time_zone from erp.client")
    return stage
