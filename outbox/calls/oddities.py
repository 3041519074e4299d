"""What should not be and is looked for: numbers held locked, reports of strangers."""

from __future__ import annotations

from datetime import datetime

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows_oddities import BusyNumber, BusyNumbers


async def watch_busy_numbers(conn: AsyncConnection) -> BusyNumbers:
    """Look for numbers that somebody keeps locked while their messages are overdue."""
    return await one_row(
        conn,
        BusyNumbers,
        """
        select numbers, messages, oldest, held_for, pid, login
          from sms.watch_busy_numbers()
        """,
    )


async def list_busy_numbers(conn: AsyncConnection) -> list[BusyNumber]:
    """Those that were found, the oldest first."""
    return await all_rows(
        conn,
        BusyNumber,
        """
        select number, client_id, messages, since, pid, login
          from sms.busy_numbers
         order by since
        """,
    )


async def count_foreign_receipts(conn: AsyncConnection, *, since: datetime) -> int:
    """Delivery reports since then about messages that their account never had."""
    query = """
        select count(*) from sms.foreign_receipts
         where receipt_id >= sms.id_at(p_at => %(since)s) and not had_it
    """
    return int(await one_value(conn, query, {"since": since}))
