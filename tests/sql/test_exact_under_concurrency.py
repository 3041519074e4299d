"""Caps and duplicates are exact while eight workers claim at once and lose their connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from tests.support.claimers import Claimers
from tests.support.factory import (
    Claim,
    add_range,
    make_provider,
    mark,
    nothing_unaccounted,
    number,
    row,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

NUMBERS, COPIES, TEXTS, CAP = 400, 24, 8, 5


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[AsyncConnection]:
    """400 numbers with 24 messages each, of 8 texts, in lanes of three channels and operators."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await make_provider(conn)
        await set_quiet_hours(conn)
        # A rolling cap, as a day may end while the test runs.
        await set_caps(conn, {"period": "rolling", "span": "1 day", "max_messages": CAP})
        await conn.execute("update sms.channel set dedup_window = '1 day', priority = 2")
        for n, operator in enumerate(["mts", "beeline"]):
            await add_range(conn, number(100 * n), number(100 * n + 99), operator=operator)
        await conn.execute(
            """
            insert into sms.outbox (channel, phone, body, erp_ref)
            select (array['single', 'mass', 'planned'])[n %% 3 + 1],
                   (79070000000 + n %% %s)::text, 'text ' || n / %s %% %s, 'ref ' || n
              from generate_series(0, %s - 1) as n
             order by random()
            """,
            [NUMBERS, NUMBERS, TEXTS, NUMBERS * COPIES],
        )
        yield conn


async def settle_all(conn: AsyncConnection, claimed: Claim) -> None:
    """The provider takes everything."""
    assert await mark(conn, claimed.claim_id, claimed.ids)
    await settle(conn, claimed.claim_id, claimed.ids)


@pytest.mark.chaos
@pytest.mark.parametrize("settling", [False, True], ids=["claiming", "claiming and settling"])
async def test_every_number_gets_exactly_its_share(
    owner: AsyncConnection, dsn: str, settling: bool
) -> None:
    claimers = Claimers(dsn, deal=settle_all if settling else None)

    async with asyncio.timeout(60):
        await claimers.run()

    assert claimers.deaths > 3
    shares = await row(
        owner,
        """
        select min(n) as least, max(n) as most, count(*) as numbers, sum(texts)::int as texts
          from (select count(*) as n, count(distinct l.dedup_key) as texts
                  from sms.contact_log as l group by l.msisdn) as s
        """,
    )
    assert shares == {"least": CAP, "most": CAP, "numbers": NUMBERS, "texts": NUMBERS * CAP}
    assert await nothing_unaccounted(owner)
    assert await value(owner, "select count(*) from sms.outbox") == NUMBERS * COPIES
    unlogged = await value(
        owner,
        """
        select count(*)
          from sms.contact_log as l
          full join (select id, msisdn from sms.inflight
                     union all
                     select id, msisdn from sms.outcome where state = 'accepted') as s
            on s.id = l.message_id and s.msisdn = l.msisdn
         where s.id is null or l.message_id is null
        """,
    )
    assert unlogged == 0
    assert set(await reasons(owner)) == {"duplicate", "cap"}


async def reasons(owner: AsyncConnection) -> list[str]:
    """Why messages were suppressed."""
    found = await value(
        owner,
        "select array_agg(distinct reason) from sms.outcome where state = 'suppressed'",
    )
    return list(found)


async def test_of_many_pairs_with_one_reference_each_is_sent_once(dsn: str) -> None:
    """Each pair waits in two lanes, so that two workers meet it at once."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as owner:
        await make_provider(owner)
        await set_quiet_hours(owner)
        await set_caps(owner)
        await owner.execute("update sms.channel set priority = 2")
        await owner.execute(
            """
            insert into sms.outbox (channel, phone, body, erp_ref)
            select (array['single', 'mass'])[n / 1000 + 1], (79070000000 + n)::text, 'x',
                   'ref ' || n %% 1000
              from generate_series(0, 1999) as n
             order by random()
            """.replace("%%", "%")
        )
        claimers = Claimers(dsn)
        async with asyncio.timeout(60):
            await claimers.run()

        sent = await row(
            owner,
            """
            select count(*) as messages, count(distinct o.erp_ref) as refs
              from sms.inflight as f join sms.outbox as o using (id)
            """,
        )
        assert sent == {"messages": 1000, "refs": 1000}
        assert await reasons(owner) == ["duplicate_ref"]
        assert await nothing_unaccounted(owner)
