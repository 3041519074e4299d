"""A real worker makes what is planned, and sends it."""

from __future__ import annotations

import json
from pathlib import Path

from psycopg import AsyncConnection

from tests.chaos.books import until
from tests.events.conftest import fire, furnish, planned, set_rule
from tests.support import factory
from tests.support.outbox_process import Programs, with_rights_of


async def test_a_planned_message_is_made_and_sent_by_the_worker(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    await furnish(conn)
    log = tmp_path / "taken.jsonl"
    await conn.execute(
        "select sms.set_provider('post', p_settings => %s)", [json.dumps({"log": str(log)})]
    )
    await set_rule(conn, "later", event_type="late", template="late", shift="2 days")
    fired = await fire(conn, "late", 2, {"amount": 5})
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        await programs.running("worker")
        assert len(await planned(conn, 2)) == 1

        await set_rule(conn, "later", shift="0")  # its moment is now

        await until(
            conn,
            """
            select exists (select from sms.event_message as e
                             join sms.message as m on m.id = e.message_id
                            where e.event_id = %s and m.state in ('accepted', 'delivered'))
            """,
            fired["event_id"],
        )
    id_ = await factory.value(conn, "select message_id from sms.event_message")
    assert [json.loads(line)["id"] for line in log.read_text().splitlines()] == [str(id_)]
    assert await planned(conn) == []


async def test_firing_costs_no_more_when_the_tables_have_grown(db: AsyncConnection) -> None:
    """A session whose plans were made on empty tables goes on by index: it reads few rows."""
    await set_rule(db, "notice", event_type="late", template="late", cancelled_by=["payment"])
    await set_rule(
        db, "later", event_type="late", template="late", shift="9 days", cancelled_by=["payment"]
    )
    for client in (1, 2):
        await fire(db, "late", client, {"amount": 1}, "first")
        await db.execute("analyze")  # the second client's plans know how small everything is
    before = await rows_of_one_event(db, 3)

    await db.execute(
        """
        insert into erp.local_client (client_id, phone)
        select n, '89070000001' from generate_series(100, 20100) as n
        """
    )
    await db.execute(
        """
        select sms.fire_events('late',
                               array(select n::bigint from generate_series(100, 20100) as n),
                               array(select '{"amount": 1}'::jsonb
                                       from generate_series(100, 20100)),
                               array(select 'k' || n from generate_series(100, 20100) as n))
        """
    )

    after = await rows_of_one_event(db, 4)
    assert before > 0
    assert after < before + 50


async def rows_of_one_event(db: AsyncConnection, client: int) -> int:
    """Rows that an event with a key, and the payment that takes it back, read of our tables.

    Pages would count the catalogs too, which are read anew whenever something is analyzed.
    """
    before = await rows_read(db)
    await fire(db, "late", client, {"amount": 1}, "again")
    await fire(db, "payment", client)
    return await rows_read(db) - before


async def rows_read(db: AsyncConnection) -> int:
    """Rows read so far in this transaction, in order or by index."""
    return int(
        await factory.value(
            db,
            """
            select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables
            """,
        )
    )
