"""Plans hold as tables grow: the claim stays on its index, judging does not become a scan."""

import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    add_range,
    claim,
    hear,
    insert,
    insert_many,
    make_provider,
    mark,
    number,
    settle,
)
from tests.support.plans import Plans, Scan

# Tables that grow with the traffic; settings may be read whole.
GROWING = (
    "pending", "inflight", "outbox", "outcome", "contact_log", "erp_ref", "receipt",
    "provider_ref", "unmatched_receipt", "blacklist", "number_range", "submitting",
)  # fmt: skip
BATCH = 200


def whole(scans: list[Scan]) -> list[Scan]:
    """Reads of a growing table from end to end."""
    return [scan for scan in scans if scan.is_whole and scan.table in GROWING]


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[AsyncConnection]:
    """A database whose statistics say that all tables are empty, as right after a month's turn.

    Only for a table that was vacuumed while empty does the planner believe that it still is.
    """
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await make_provider(conn)
        await conn.execute("delete from sms.quiet_hours")
        await add_range(conn, number(0), number(999_999))
        await conn.execute(
            """
            do $$
            declare _table regclass;
            begin
                for _table in select c.oid from pg_class as c
                               where c.relnamespace = 'sms'::regnamespace and c.relkind = 'r' loop
                    execute format('alter table %s set (autovacuum_enabled = off)', _table);
                end loop;
            end $$
            """
        )
        await conn.execute("vacuum analyze")
        yield conn


async def fill(conn: AsyncConnection, count: int, delay: str = "0", first: int = 0) -> None:
    """Insert messages to different numbers, due after `delay`."""
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body, not_before)
        select (array['single', 'mass', 'planned'])[n %% 3 + 1], (79070000000 + n)::text,
               'text ' || n, now() + %s::interval
          from generate_series(%s::int, %s::int) as n
        """,
        [delay, first, first + count - 1],
    )


async def test_a_claim_probes_its_index_whatever_waits_in_front(
    owner: AsyncConnection, dsn: str
) -> None:
    await fill(owner, 50_000, delay="1 hour")
    await fill(owner, 50, first=100_000)
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        plans = await Plans.watch(worker)

        assert len((await claim(worker, as_of=None)).ids) == 50

        on_pending = plans.scans("pending")
    assert {scan.index for scan in on_pending if scan.node == "Index Scan"} == {"pending_claim"}
    assert {scan.node for scan in on_pending} <= {"Index Scan", "Tid Scan", "ModifyTable"}
    assert sum(scan.removed for scan in on_pending) == 0
    assert max(scan.rows for scan in on_pending) <= 100


async def test_a_full_backlog_costs_a_claim_no_more_than_its_batch(
    owner: AsyncConnection, dsn: str
) -> None:
    await fill(owner, 50_000)
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        plans = await Plans.watch(worker)

        assert (await claim(worker, as_of=None, limit=BATCH)).judged == BATCH

        scans = plans.scans()
    assert whole(scans) == []
    assert "pending_claim" in {scan.index for scan in scans}
    assert max(scan.rows for scan in scans if scan.table in GROWING) <= 2 * BATCH


async def grow_history(conn: AsyncConnection) -> None:
    """300 thousand contacts, 100 thousand outcomes and references, 50 thousand blocked numbers."""
    await conn.execute(
        """
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, channel_id)
        select 79070000000 + n %% 100000, now() - n %% 600 * interval '1 minute',
               hashtextextended(n::text, 0), n, 1
          from generate_series(1, 300000) as n;
        insert into sms.outcome (id, msisdn, decided_at, final_at, state)
        select sms.id_at(now()) + n, 79070000000 + n, now(), now(), 'failed'
          from generate_series(1, 100000) as n;
        insert into sms.provider_ref (id, provider_id, ref)
        select sms.id_at(now()) + n, 1, 'old ' || n from generate_series(1, 100000) as n;
        insert into sms.erp_ref (ref_hash, id)
        select hashtextextended('old ' || n, 0), n from generate_series(1, 100000) as n;
        insert into sms.blacklist (msisdn, reason)
        select 79350000000 + n, 'stop' from generate_series(1, 50000) as n;
        """.replace("%%", "%")
    )


async def test_a_session_that_began_with_empty_tables_keeps_its_pace_as_they_grow(
    owner: AsyncConnection, dsn: str
) -> None:
    """One session claims, settles and hears, before and after the tables have filled up.

    A plan that was made on an empty table and kept reads the whole of it ever after.
    """
    await insert(owner, "blacklist", prefix="7935", reason="one region")
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        plans = await Plans.watch(worker)
        first = 0

        async def turn() -> float:
            nonlocal first
            await insert_many(
                owner,
                [
                    {
                        "phone": str(number(100_000 + first + n)),
                        "channel": "mass",
                        "not_before": None,
                        "erp_ref": f"new {first + n}",
                    }
                    for n in range(BATCH)
                ],
            )
            first += BATCH
            plans.scans()
            began = time.perf_counter()
            claimed = await claim(worker, as_of=None)
            took = time.perf_counter() - began
            assert len(claimed.ids) == BATCH
            assert await mark(worker, claimed.claim_id, claimed.ids)
            refs = [(message_id, f"ref {message_id}") for message_id in claimed.ids]
            assert await settle(worker, claimed.claim_id, claimed.ids, refs=refs) == BATCH
            heard = await hear(worker, *((None, ref, "delivered") for _, ref in refs))
            assert heard == (BATCH, BATCH, 0, 0)
            return took

        before = [await turn() for _ in range(7)]
        assert whole(plans.scans()) == []
        await grow_history(owner)
        after = [await turn() for _ in range(7)]
        scans = plans.scans()

    assert whole(scans) == []
    log = [scan for scan in scans if scan.table == "contact_log" and scan.node != "ModifyTable"]
    assert {scan.index for scan in log if scan.index} == {"contact_log"}
    assert statistics.median(after) < 8 * statistics.median(before)


async def test_verbs_about_single_messages_never_read_a_growing_table_whole(
    owner: AsyncConnection, dsn: str
) -> None:
    """One session uses every verb, before and after the tables have filled up."""

    async def use_all(conn: AsyncConnection, plans: Plans, turn: int) -> dict[str, list[Scan]]:
        by_id, by_ref, doubtful, held = await insert_many(
            owner,
            [
                {"not_before": None, "erp_ref": f"ref {n}", "phone": str(number(n))}
                for n in range(4 * turn, 4 * turn + 4)
            ],
        )
        claimed = await claim(owner, as_of=None, lease=timedelta(0))
        assert len(claimed.ids) >= 4
        await settle(owner, claimed.claim_id, [by_id, by_ref], "released")
        await settle(owner, claimed.claim_id, [doubtful], "uncertain")
        await hear(owner, (None, "unknown", "delivered"))
        later = datetime.now(UTC) + timedelta(hours=1)
        found = {}
        for statement, *parameters in (
            ("select * from sms.message where id = %s", by_id),
            ("select * from sms.judge(%s, now())", [by_id, by_ref]),
            ("select * from sms.explain(%s)", by_id),
            ("select * from sms.explain(%s)", doubtful),
            ("select sms.cancel(%s::bigint)", by_id),
            ("select sms.cancel(%s::text)", f"ref {4 * turn + 1}"),
            ("select sms.resolve_uncertain(%s, 'resend')", [doubtful]),
            ("select sms.mark_submitting(%s, %s)", claimed.claim_id, [held]),
            ("select sms.match_receipts()",),
            ("select * from sms.expire_leases(p_as_of => %s)", later),
        ):
            plans.scans()
            await conn.execute(statement, parameters)
            found[f"{statement} of {parameters}"] = [
                scan for scan in whole(plans.scans()) if scan.rows + scan.removed > 100
            ]
        return found

    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        plans = await Plans.watch(conn)
        for turn in range(6):
            await use_all(conn, plans, turn)
        await grow_history(owner)
        await fill(owner, 5_000, delay="1 hour", first=200_000)

        for statement, scans in (await use_all(conn, plans, 6)).items():
            assert scans == [], statement


async def test_an_insert_probes_clients_though_planned_while_there_were_none(
    owner: AsyncConnection,
) -> None:
    await owner.execute("alter table geo.client_location set (autovacuum_enabled = off)")
    await owner.execute("vacuum analyze geo.client_location")
    for _ in range(7):  # more often than PostgreSQL plans anew before it keeps a plan
        await insert_many(owner, [{"phone": str(number(1)), "client_id": 1}])
    await owner.execute(
        """
        insert into geo.client_location (client_id, location)
        select n, st_point(37.6, 55.7)::geography from generate_series(1, 5000) as n
        """
    )
    await owner.execute(
        """
        insert into sms.client_zone (client_id, zone_id)
        select n, 1 from generate_series(2, 5000) as n
        """
    )
    plans = await Plans.watch(owner)

    await insert_many(owner, [{"phone": str(number(2)), "client_id": n} for n in range(1, 20)])

    scans = plans.scans("client_location", "client_zone")
    assert {scan.table for scan in scans} == {"client_location", "client_zone"}
    assert not [scan for scan in scans if scan.is_whole]
