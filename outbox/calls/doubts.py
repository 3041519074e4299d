"""Uncertain messages as people see and decide them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows_asking import Doubts, Remapped, UncertainCount, UncertainMessage


async def list_uncertain(
    conn: AsyncConnection, *, meant: Doubts, limit: int
) -> list[UncertainMessage]:
    """The oldest first."""
    return await all_rows(
        conn,
        UncertainMessage,
        """
        select u.id, u.provider, u.channel, u.number, u.since, u.asks, u.absent_since,
               u.next_ask_at, u.on_uncertain, u.policy_at, u.detail
          from sms.uncertain_message as u
         where (%(provider)s::text is null or u.provider = %(provider)s)
           and (%(channel)s::text is null or u.channel = %(channel)s)
           and (%(older_than)s::interval is null
                or u.since < clock_timestamp() - %(older_than)s)
         order by u.since, u.id
         limit %(limit)s
        """,
        {**asdict(meant), "limit": limit},
    )


async def count_uncertain(conn: AsyncConnection, *, meant: Doubts) -> list[UncertainCount]:
    """How many there are at which provider and in which channel."""
    return await all_rows(
        conn,
        UncertainCount,
        """
        select u.provider, u.channel, count(*) as messages, min(u.since) as oldest
          from sms.uncertain_message as u
         where (%(provider)s::text is null or u.provider = %(provider)s)
           and (%(channel)s::text is null or u.channel = %(channel)s)
           and (%(older_than)s::interval is null
                or u.since < clock_timestamp() - %(older_than)s)
         group by u.provider, u.channel
         order by u.provider, u.channel
        """,
        asdict(meant),
    )


async def uncertain_ids(
    conn: AsyncConnection, *, meant: Doubts, after: int, limit: int
) -> list[int]:
    """The next ids above `after`, for working through many in batches."""
    found = await one_value(
        conn,
        """
        select coalesce(array_agg(f.id order by f.id), '{}')
          from (select u.id
                  from sms.uncertain_message as u
                 where u.id > %(after)s
                   and (%(provider)s::text is null or u.provider = %(provider)s)
                   and (%(channel)s::text is null or u.channel = %(channel)s)
                   and (%(older_than)s::interval is null
                        or u.since < clock_timestamp() - %(older_than)s)
                 order by u.id
                 limit %(limit)s) as f
        """,
        {**asdict(meant), "after": after, "limit": limit},
    )
    return list(found)


async def states_of(conn: AsyncConnection, *, ids: Sequence[int]) -> dict[int, str]:
    """The state of each of these messages that exists."""
    cursor = await conn.execute(
        "select m.id, m.state from sms.message as m where m.id = any (%(ids)s)", {"ids": list(ids)}
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def channel_names(conn: AsyncConnection) -> list[str]:
    """The channels there are."""
    query = "select array_agg(c.channel order by c.channel) from sms.channel as c"
    return list(await one_value(conn, query) or [])


async def remap_receipts(
    conn: AsyncConnection,
    *,
    since: datetime,
    until: datetime,
    adapter: str | None,
    apply: bool,
    after: int | None,
    limit: int,
) -> Remapped:
    """Look through one batch of stored receipts; go on after its `last_receipt_id`."""
    return await one_row(
        conn,
        Remapped,
        """
        select receipts, messages, coalesce(changes, '{}') as changes, last_receipt_id
          from sms.remap_receipts(p_since => %(since)s, p_apply => %(apply)s,
                                  p_adapter => %(adapter)s, p_until => %(until)s,
                                  p_after => %(after)s, p_limit => %(limit)s)
        """,
        {
            "since": since,
            "until": until,
            "adapter": adapter,
            "apply": apply,
            "after": after,
            "limit": limit,
        },
    )
