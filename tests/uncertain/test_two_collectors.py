"""Two workers that look for overdue receipts at the same moment."""

from __future__ import annotations

from datetime import timedelta

from psycopg import AsyncConnection

from outbox.calls import asking
from tests.support import factory

DAY = timedelta(days=1)


async def test_who_comes_second_leaves_the_place_of_the_first_alone(
    conn: AsyncConnection, dsn: str
) -> None:
    await factory.make_provider(conn)
    here = """
        select collected_until from sms.provider_asking
    """

    async def collect(db: AsyncConnection) -> bool:
        return await asking.collect_overdue(
            db, provider=factory.PROVIDER, after=timedelta(0), until=DAY
        )

    for _ in range(3):
        assert await collect(conn)
    before = await factory.value(conn, here)
    async with await AsyncConnection.connect(dsn) as other, other.transaction():
        assert await collect(other)
        assert not await collect(conn)
        assert await factory.value(conn, here) == before
    assert await factory.value(conn, here) == before + timedelta(minutes=1)
