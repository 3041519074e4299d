"""Looking for overdue receipts: by the name of the last try, and with colleagues at it."""

from __future__ import annotations

from datetime import timedelta

from psycopg import AsyncConnection

from outbox.calls import asking
from tests.support import factory
from tests.uncertain.asking import handed_over, waiting

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


async def test_a_message_is_asked_about_by_the_name_of_its_last_try(conn: AsyncConnection) -> None:
    await factory.make_provider(conn)
    one, other = await waiting(conn, 2)
    for ref in ("the first try", "a second try"):
        await conn.execute(
            """
            insert into sms.provider_ref (id, provider_id, ref)
            select %s, p.provider_id, %s from sms.provider as p where p.provider = 'post'
            """,
            [one, ref],
        )
    await put_in_order_of_refs(conn)
    assert await factory.column(conn, "select ref from sms.provider_ref order by ctid") == [
        "a second try",
        "the first try",
    ]

    claim_id = await handed_over(conn, one, other, keys=None)
    await factory.settle(conn, claim_id, [one])
    while await asking.collect_overdue(
        conn, provider=factory.PROVIDER, after=timedelta(0), until=timedelta(hours=1)
    ):
        pass
    refs = await factory.rows(conn, "select id, ref from sms.overdue")
    assert refs == [{"id": one, "ref": "a second try"}]


async def put_in_order_of_refs(conn: AsyncConnection) -> None:
    """Let rows stand as if room had been found for a later one before an earlier one; a vacuum
    would make that room only where nobody else looks at the table."""
    [index] = await factory.column(
        conn,
        """
        select i.indexrelid::regclass::text
          from pg_index as i
          join pg_inherits as h on h.inhrelid = i.indexrelid
          join (select distinct tableoid from sms.provider_ref) as r on r.tableoid = i.indrelid
         where h.inhparent = 'sms.provider_ref_ref'::regclass
        """,
    )
    [table] = await factory.column(
        conn, "select distinct tableoid::regclass::text from sms.provider_ref"
    )
    await conn.execute(f"cluster {table} using {index.removeprefix('sms.')}")
