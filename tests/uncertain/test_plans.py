"""However large the tables have grown, what asks about doubt goes by their indexes."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection

from tests.support.factory import make_provider, set_quiet_hours, settle, value
from tests.uncertain.asking import Asker, handed_over, vanish, waiting

GROWN = 30_000


async def pages(conn: AsyncConnection, table: str) -> int:
    """Rows that sequential scans of this table's partitions have read."""
    await conn.execute("select pg_stat_force_next_flush()")
    return int(
        await value(
            conn,
            """
            select coalesce(sum(s.seq_tup_read), 0) from pg_stat_user_tables as s
             where s.schemaname = 'sms' and s.relname like %s
            """,
            f"{table}%",
        )
    )


@pytest.fixture
async def grown(conn: AsyncConnection) -> AsyncConnection:
    """A database with much history, prepared plans included."""
    provider_id = await make_provider(conn)
    await set_quiet_hours(conn)
    [id_] = await waiting(conn, 1, body="plans are made while all is empty")
    await settle(conn, await handed_over(conn, id_, keys=["first"]), [id_])
    await conn.execute(
        """
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, provider_id,
                                 lane_id, segments, attempts, state)
        select sms.id_at(now() - g * interval '1 second'), 79070000000 + g,
               now() - g * interval '1 second', now(), now(), %(provider_id)s, 1, 1, 1, 'delivered'
          from generate_series(1, %(count)s) as g
        """,
        {"provider_id": provider_id, "count": GROWN},
    )
    await conn.execute(
        "insert into sms.provider_ref (id, provider_id, ref) "
        "select o.id, o.provider_id, 'old ' || o.id from sms.outcome as o"
    )
    await conn.execute(
        "insert into sms.unmatched_receipt (receipt_id, received_at, provider_id, provider_ref, "
        "code, state) select sms.next_id(), now(), 1, 'stranger ' || g, 'delivered', 'delivered' "
        "from generate_series(1, %s) as g",
        [GROWN],
    )
    return conn


async def test_names_answers_and_leases_read_no_whole_table(grown: AsyncConnection) -> None:
    tables = ("outcome", "provider_ref", "unmatched_receipt")
    before = {table: await pages(grown, table) for table in tables}

    ids = await waiting(grown, 3)
    claim_id = await handed_over(grown, *ids, keys=["a", "b", "c"])
    await settle(grown, claim_id, ids[:1])
    await settle(grown, claim_id, ids[1:2], "uncertain")
    await vanish(grown)
    asker = Asker(db=grown)
    questions = await asker.take()
    assert len(questions) == 2
    await asker.answer(
        questions[0].asked_at, (ids[1], "present"), (ids[2], "absent"), refs=["b", None]
    )
    await grown.execute("select sms.match_receipts()")

    after = {table: await pages(grown, table) for table in tables}
    assert {table: after[table] - before[table] for table in tables} == dict.fromkeys(tables, 0)


async def test_a_whole_read_would_be_seen(grown: AsyncConnection) -> None:
    before = await pages(grown, "unmatched_receipt")
    await grown.execute("select count(*) from sms.unmatched_receipt where error = 'none'")

    assert await pages(grown, "unmatched_receipt") - before >= GROWN
