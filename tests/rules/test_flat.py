"""Judging stays flat: the same plan with a long blacklist and many groups as with none."""

import statistics
import time
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    add_range,
    claim,
    insert,
    insert_many,
    make_provider,
    mark,
    number,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)
from tests.support.plans import Plans, Scan

BATCH = 200
# Tables of rules and memories that grow without limit; the rest are settings.
GROWING = (
    "blacklist", "recipient_group", "recipient_group_member", "consent", "client_zone",
    "contact_log", "erp_ref", "pending", "inflight", "outbox", "outcome", "campaign",
    "number_trouble", "inbound", "rule_change", "number_range", "client_location",
)  # fmt: skip


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[AsyncConnection]:
    """Every rule is in use; statistics say that all tables are as good as empty."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await make_provider(conn)
        await add_range(conn, number(0), number(9_999_999))
        await set_quiet_hours(conn, {"quiet_from": "03:00", "quiet_until": "03:01"})
        await set_caps(
            conn,
            {"period": "day", "max_messages": 5},
            {"per": "client", "period": "rolling", "span": "3 days", "max_messages": 9},
        )
        await conn.execute(
            "update sms.channel set needs_consent = true, dedup_window = '1 day',"
            " category = 'advertising'"
        )
        await insert(conn, "campaign", campaign_id=1, campaign="spring", holdout_percent=10)
        await insert(conn, "recipient_group", recipient_group="staff")
        await insert(conn, "blacklist", prefix="7935", reason="one region")
        await insert(conn, "blacklist", group_id=1, reason="our own people")
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


async def grow(conn: AsyncConnection) -> None:
    """120 thousand blacklisted, 3 thousand groups, 60 thousand members, 100 thousand consents.

    Nothing analyses them: the planner must not need to know.
    """
    await conn.execute(
        """
        insert into sms.blacklist (msisdn, reason, source)
        select 79350000000 + n, 'x', 'import' from generate_series(1, 120000) as n;
        insert into sms.blacklist (prefix, reason)
        select (79360000 + n)::text, 'x' from generate_series(1, 200) as n;
        insert into sms.recipient_group (recipient_group)
        select 'group ' || n from generate_series(1, 3000) as n;
        insert into sms.blacklist (group_id, reason)
        select group_id, 'x' from sms.recipient_group;
        insert into sms.recipient_group_member (group_id, client_id)
        select 1 + n % 3000, 10000000 + n from generate_series(1, 30000) as n;
        insert into sms.recipient_group_member (group_id, msisdn)
        select 1 + n % 3000, 79370000000 + n from generate_series(1, 30000) as n;
        insert into sms.consent (client_id, category, proof)
        select 10000000 + n, 'advertising', 'x' from generate_series(1, 100000) as n;
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, channel_id, client_id)
        select 79070000000 + n % 90000, now() - n % 2000 * interval '1 minute',
               hashtextextended(n::text, 0), n, 1, n % 90000
          from generate_series(1, 200000) as n;
        """
    )


class Turns:
    """One session that asks for messages and claims them, again and again."""

    def __init__(self, owner: AsyncConnection, worker: AsyncConnection, plans: Plans) -> None:
        self._owner, self._worker, self._plans = owner, worker, plans
        self._first = 200_000

    async def turn(self) -> float:
        """Seconds that one claim takes; everybody in it has a consent of their own."""
        people = range(self._first, self._first + BATCH)
        self._first += BATCH
        await self._owner.execute(
            "insert into sms.consent (client_id, category, proof)"
            " select n, 'advertising', 'form' from generate_series(%s::int, %s::int) as n",
            [people[0], people[-1]],
        )
        await insert_many(
            self._owner,
            [
                {
                    "phone": str(number(n)),
                    "client_id": n,
                    "channel": "mass",
                    "campaign_id": 1,
                    "erp_ref": f"ref {n}",
                    "not_before": None,
                }
                for n in people
            ],
        )
        began = time.perf_counter()
        claimed = await claim(self._worker, as_of=None)
        took = time.perf_counter() - began
        assert claimed.judged == BATCH
        assert BATCH / 2 < len(claimed.ids) < BATCH
        assert await mark(self._worker, claimed.claim_id, claimed.ids)
        await settle(self._worker, claimed.claim_id, claimed.ids)
        return took

    def whole(self) -> list[Scan]:
        """Reads of a growing table from end to end, or of many rows to throw them away."""
        return [
            scan
            for scan in self._plans.scans(*GROWING)
            if scan.node != "ModifyTable" and (scan.is_whole or scan.removed > 20 * BATCH)
            and scan.rows + scan.removed > 10 * BATCH
        ]  # fmt: skip


async def test_judging_reads_no_growing_table_whole_however_long_the_lists(
    owner: AsyncConnection, dsn: str
) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        turns = Turns(owner, worker, await Plans.watch(worker))
        before = [await turns.turn() for _ in range(7)]
        assert turns.whole() == []

        await grow(owner)
        after = [await turns.turn() for _ in range(7)]

        assert turns.whole() == []
    assert statistics.median(after) < 4 * statistics.median(before)


async def test_a_new_session_on_long_lists_does_not_read_them_whole_either(
    owner: AsyncConnection, dsn: str
) -> None:
    """A plan that is made when the tables are full is as good as one made when they were empty."""
    await grow(owner)
    await owner.execute("analyze")
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        turns = Turns(owner, worker, await Plans.watch(worker))
        for _ in range(3):
            await turns.turn()
        (message_id,) = await insert_many(
            owner, [{"channel": "mass", "client_id": 1, "campaign_id": 1, "not_before": None}]
        )
        await value(worker, "select count(*) from sms.judge(%s, now())", [message_id])

        assert turns.whole() == []


async def test_learning_reads_only_the_numbers_that_failed(
    owner: AsyncConnection, dsn: str
) -> None:
    await owner.execute(
        """
        insert into sms.blacklist (msisdn, reason, source)
        select 79380000000 + n, 'x', 'import' from generate_series(1, 50000) as n;
        insert into sms.number_trouble (message_id, msisdn, at, provider_id, state, learned_at)
        select n, 79380000000 + n, now(), 1, 'undelivered', now()
          from generate_series(1, 50000) as n
        """
    )
    await insert(
        owner,
        "number_trouble",
        message_id=1_000_000,
        msisdn=number(1),
        at=await value(owner, "select now()"),
        provider_id=1,
        state="undelivered",
    )
    async with await AsyncConnection.connect(dsn, autocommit=True) as worker:
        plans = await Plans.watch(worker)
        turns = Turns(owner, worker, plans)

        await value(worker, "select blacklisted from sms.learn_numbers()")

        assert turns.whole() == []
