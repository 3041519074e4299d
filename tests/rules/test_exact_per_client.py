"""Caps per client and duplicates stay exact under eight claimers that keep losing connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from tests.support.claimers import Claimers
from tests.support.factory import (
    Claim,
    make_provider,
    mark,
    nothing_unaccounted,
    row,
    rows,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

CLIENTS, NUMBERS_EACH, TEXTS, COPIES = 200, 3, 6, 2
PER_CLIENT, PER_NUMBER = 5, 3
A_DAY = {"period": "rolling", "span": "1 day"}  # a calendar day may end while the test runs


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[AsyncConnection]:
    """Each client has three numbers, each number six texts, each text comes twice."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await make_provider(conn)
        await set_quiet_hours(conn)
        await set_caps(
            conn,
            {**A_DAY, "per": "client", "max_messages": PER_CLIENT},
            {**A_DAY, "per": "number", "max_messages": PER_NUMBER},
        )
        await conn.execute("update sms.channel set dedup_window = '1 day', priority = 2")
        await conn.execute(
            """
            insert into sms.outbox (channel, client_id, phone, body)
            select (array['single', 'mass', 'planned'])[(n + x + t + c) % 3 + 1], n,
                   (79070000000 + 10 * n + x)::text, 'text ' || t
              from generate_series(1, {clients}) as n
              cross join generate_series(1, {numbers}) as x
              cross join generate_series(1, {texts}) as t
              cross join generate_series(1, {copies}) as c
             order by random()
            """.replace("{clients}", str(CLIENTS))
            .replace("{numbers}", str(NUMBERS_EACH))
            .replace("{texts}", str(TEXTS))
            .replace("{copies}", str(COPIES))
        )
        yield conn


async def reject_some(conn: AsyncConnection, claimed: Claim) -> None:
    """Every fourth message is refused for good, so that its share goes to another."""
    assert await mark(conn, claimed.claim_id, claimed.ids)
    refused = [message_id for n, message_id in enumerate(claimed.ids) if n % 4 == 0]
    taken = [message_id for n, message_id in enumerate(claimed.ids) if n % 4]
    await settle(conn, claimed.claim_id, refused, "rejected")
    await settle(conn, claimed.claim_id, taken, "accepted")


@pytest.mark.chaos
@pytest.mark.parametrize("settling", [False, True], ids=["claiming", "claiming and settling"])
async def test_every_client_gets_exactly_its_share_over_all_its_numbers(
    owner: AsyncConnection, dsn: str, settling: bool
) -> None:
    claimers = Claimers(dsn, deal=reject_some if settling else None, batch=80)

    async with asyncio.timeout(60):
        await claimers.run()

    assert claimers.deaths > 3
    shares = await row(
        owner,
        """
        select min(n) as least, max(n) as most, count(*) as clients
          from (select count(*) as n from sms.contact_log group by client_id) as s
        """,
    )
    assert shares["most"] == PER_CLIENT
    assert shares["clients"] == CLIENTS
    if not settling:
        assert shares["least"] == PER_CLIENT
    assert await rows(
        owner,
        """
        select msisdn from sms.contact_log
         group by msisdn having count(*) > %s or count(*) > count(distinct dedup_key)
        """,
        PER_NUMBER,
    ) == []  # fmt: skip
    assert await nothing_unaccounted(owner)
    assert await astray(owner) == 0
    found = await value(
        owner, "select array_agg(distinct reason) from sms.outcome where state = 'suppressed'"
    )
    assert set(found) == {"duplicate", "cap"}


async def astray(owner: AsyncConnection) -> int:
    """Messages that went out and are not in the log, and lines of the log that did not."""
    return int(
        await value(
            owner,
            """
            select count(*)
              from sms.contact_log as l
              full join (select id from sms.inflight
                         union all
                         select id from sms.outcome where state = 'accepted') as s
                on s.id = l.message_id
             where s.id is null or l.message_id is null
            """,
        )
    )
