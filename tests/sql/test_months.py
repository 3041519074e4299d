"""A month without a partition, months of the past, and the end of ids: each is a sentence."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import column, make_provider, rows, value

AsRole = Callable[[str], Awaitable[AsyncConnection]]
INSERT = "insert into sms.outbox (channel, phone, body) values ('single', %s, 'hello')"
NEXT_ID = "select pg_get_functiondef('sms.next_id()'::regprocedure)"


async def lose_this_month(conn: AsyncConnection, *tables: str) -> None:
    """As after months without a worker: these tables have no partition for now."""
    for table in tables or await column(conn, "select sms.monthly_tables()"):
        await conn.execute(
            "select sms.drop_partition(%s, date_trunc('month', now(), 'UTC'))", [table]
        )


def told(error: psycopg.Error, table: str) -> bool:
    """Whether the sentence names the table and the month, and the hint what to do."""
    month = f"{datetime.now(UTC):%Y-%m}"
    return (
        error.sqlstate == "SM080"
        and f"sms.{table} has no partition for {month}" in (error.diag.message_primary or "")
        and "sms.maintain_partitions()" in (error.diag.message_hint or "")
    )


@pytest.mark.parametrize(("table", "phone"), [("outbox", "+79070000001"), ("outcome", "no number")])
async def test_the_erp_is_told_which_month_is_missing_and_what_to_do(
    conn: AsyncConnection, as_role: AsRole, table: str, phone: str
) -> None:
    await lose_this_month(conn, table)
    erp = await as_role("sms_erp")

    with pytest.raises(psycopg.Error) as refused:
        await erp.execute(INSERT, [phone])

    assert told(refused.value, table)
    assert await value(conn, "select count(*) from sms.outbox") == 0
    assert await value(conn, "select count(*) from sms.pending") == 0


@pytest.mark.parametrize("table", ["event", "event_effect"])
async def test_who_fires_an_event_is_told_as_well(
    conn: AsyncConnection, as_role: AsRole, table: str
) -> None:
    await conn.execute("select sms.set_event_type('bought')")
    await conn.execute("select sms.save_template('thanks', 'Thank you')")
    await conn.execute(
        "select sms.set_event_rule('thank', %s)",
        ['{"event_type": "bought", "template": "thanks", "channel": "single"}'],
    )
    await lose_this_month(conn, table)
    erp = await as_role("sms_erp")

    with pytest.raises(psycopg.Error) as refused:
        await erp.execute("select sms.fire_event('bought', 7)")

    assert told(refused.value, table)


async def test_every_table_that_is_cut_into_months_tells_it(tx: AsyncConnection) -> None:
    guarded = await column(
        tx,
        """
        select c.relname from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
         where t.tgname = 'needs_a_month' and c.relkind = 'p' order by 1
        """,
    )
    assert guarded == await column(tx, "select sms.monthly_tables()")


async def test_what_a_worker_and_a_receiver_store_is_told_too(conn: AsyncConnection) -> None:
    await make_provider(conn)
    await conn.execute("delete from sms.cap")
    await conn.execute("delete from sms.quiet_hours")
    await lose_this_month(conn, "contact_log", "receipt")
    await conn.execute(INSERT, ["+79070000001"])

    with pytest.raises(psycopg.Error) as claiming:
        await conn.execute("select * from sms.claim_batch('post', 'worker')")
    with pytest.raises(psycopg.Error) as hearing:
        await conn.execute(
            "select * from sms.record_receipts('post', array[null::bigint], array['r'],"
            " array['delivered'], array[null::text], array[now()], array[null::text])"
        )

    assert told(claiming.value, "contact_log")
    assert told(hearing.value, "receipt")


async def test_a_started_worker_heals_it(conn: AsyncConnection, as_role: AsRole) -> None:
    await lose_this_month(conn)
    worker, erp = await as_role("sms_worker"), await as_role("sms_erp")

    await worker.execute("select * from sms.maintain_partitions()")
    await erp.execute(INSERT, ["+79070000001"])

    assert await value(conn, "select count(*) from sms.pending") == 1


@pytest.mark.parametrize("days", [1, 35, 62, 366])
async def test_a_fresh_database_takes_contacts_of_the_last_year(
    tx: AsyncConnection, days: int
) -> None:
    await tx.execute(
        """
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
        select 79070000001, now() - make_interval(days => %s), 0, 1, null, channel_id
          from sms.channel where channel = 'single'
        """,
        [days],
    )


async def test_months_of_the_past_can_be_made_for_rows_that_are_brought(
    tx: AsyncConnection,
) -> None:
    made = await value(tx, "select sms.make_months('2023-11-20', '2024-02-03')")

    assert made == 4 * len(await column(tx, "select sms.monthly_tables()"))
    assert await value(tx, "select sms.make_months('2023-11-20', '2024-02-03')") == 0
    for moment in ("2023-11-01", "2024-02-29 23:59:59"):
        await tx.execute(
            "insert into sms.outcome (id, msisdn, decided_at, final_at, state)"
            " values (sms.id_at(%s), 79070000001, %s, %s, 'failed')",
            [moment] * 3,
        )


async def test_months_up_to_now_when_no_end_is_named(tx: AsyncConnection) -> None:
    await tx.execute("select sms.make_months(now() - interval '6 months')")

    gaps = await rows(
        tx,
        """
        select t.name, m.month
          from sms.monthly_tables() as t (name)
         cross join generate_series(date_trunc('month', now() - interval '6 months', 'UTC'),
                                    now(), interval '1 month') as m (month)
         where not exists (select from sms.partition_months(t.name) as p
                            where p.month = date_trunc('month', m.month, 'UTC'))
        """,
    )
    assert gaps == []


async def test_ids_end_with_a_sentence(tx: AsyncConnection) -> None:
    body = await value(tx, NEXT_ID)
    at = "timestamptz '{} 00:00Z'"
    await tx.execute(body.replace("clock_timestamp()", at.format("2088-12-31")))
    last = await value(tx, "select sms.next_id()")
    await tx.execute(body.replace("clock_timestamp()", at.format("2089-01-01")))

    assert 0 < last < await value(tx, "select sms.id_at('infinity')")
    with pytest.raises(psycopg.Error, match="the range of ids ended with the year 2088") as refused:
        await tx.execute("select sms.next_id()")
    assert refused.value.sqlstate == "SM081"


async def test_the_last_months_are_made_and_none_after(tx: AsyncConnection) -> None:
    await tx.execute("select * from sms.maintain_partitions('2088-11-05')")
    await tx.execute("select * from sms.maintain_partitions('2089-11-05')")

    assert await value(tx, "select max(month) from sms.partition_months('outbox')") == datetime(
        2088, 12, 1, tzinfo=UTC
    )
    with pytest.raises(psycopg.Error, match="there are no ids of 2089-01") as refused:
        await tx.execute("select sms.create_partition('outbox', '2089-01-01')")
    assert refused.value.sqlstate == "SM081"
