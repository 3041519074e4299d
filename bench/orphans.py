"""What looking for the messages of orphaned receipts costs, alone and beside strangers."""

from __future__ import annotations

import psutil
import psycopg

from bench.lab import Lab

STRANGERS = 100_000
CALLS = 60  # a minute of the chore


def match_beside_strangers(lab: Lab) -> None:
    """CPU of the back end a call, with nothing to match."""
    with lab.connect() as conn:
        _match(conn)
        lab.note("orphans.none_ms", _match(conn))
        conn.execute(
            """
            insert into sms.unmatched_receipt
                   (receipt_id, received_at, provider_id, provider_ref, state)
            select sms.id_at(now() - interval '1 day') + g, now() - interval '1 day',
                   p.provider_id, 'stranger ' || g, 'delivered'
              from sms.provider as p, generate_series(1, %s) as g
             where p.provider = 'fake'
            """,
            (STRANGERS,),
        )
        conn.execute("analyze sms.unmatched_receipt")
        lab.note("orphans.ms", _match(conn))
        conn.execute("delete from sms.unmatched_receipt")


def _match(conn: psycopg.Connection) -> float:
    """CPU ms a call."""
    process = psutil.Process(conn.info.backend_pid)
    before = sum(process.cpu_times()[:2])
    for _ in range(CALLS):
        conn.execute("select sms.match_receipts()")
    return (sum(process.cpu_times()[:2]) - before) * 1e3 / CALLS
