"""What must happen in time, whoever does it."""

from __future__ import annotations

from psycopg import AsyncConnection

from outbox.calls.query import one_row, one_value
from outbox.rows import Expired, Learned, Partitions, PolicyApplied


async def try_lead(conn: AsyncConnection, *, chore: int) -> bool:
    """Be the one process that does this chore until the end of the transaction."""
    return bool(
        await one_value(
            conn,
            "select sms.lead_chore(p_chore => %(chore)s)",
            {"chore": chore},
        )
    )


async def expire_leases(conn: AsyncConnection, *, limit: int) -> Expired:
    """Return the messages of vanished workers; what they had marked becomes uncertain."""
    return await one_row(
        conn,
        Expired,
        "select returned, uncertain from sms.expire_leases(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def apply_uncertain_policy(conn: AsyncConnection, *, limit: int) -> PolicyApplied:
    """Resend or give up what waited longer than its channel allows."""
    return await one_row(
        conn,
        PolicyApplied,
        "select resent, given_up from sms.apply_uncertain_policy(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def match_receipts(conn: AsyncConnection, *, limit: int) -> int:
    """Apply receipts whose message is known by now."""
    query = "select sms.match_receipts(p_limit => %(limit)s)"
    return int(await one_value(conn, query, {"limit": limit}))


async def learn_numbers(conn: AsyncConnection, *, limit: int) -> Learned:
    """Blacklist numbers that keep failing; lift what a delivery has proven wrong."""
    return await one_row(
        conn,
        Learned,
        "select blacklisted, lifted from sms.learn_numbers(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def maintain_partitions(conn: AsyncConnection) -> Partitions:
    """Make partitions ahead, drop those past their retention."""
    return await one_row(conn, Partitions, "select created, dropped from sms.maintain_partitions()")
