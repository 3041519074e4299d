"""Gives a new database somewhere visible to send to: the provider `fake`, which sends nothing,
and the programs of the private cluster their small logins.

    python -m outbox.first_run      after `python -m migrations`

Only the private cluster is routed, and only while nobody has routed anything there: on a server
that OUTBOX_DSN names, `fake` would report real messages as delivered.
"""

from __future__ import annotations

import os
import sys

import psycopg
from psycopg.types.json import Jsonb

from outbox.cluster import Cluster, private
from outbox.logins import DLR, WORKER, make_login
from outbox.server_programs import ClusterError
from outbox.terminal import echo

FAKE = "fake"
NO_LIMIT = 1_000_000  # segments per second; nobody is on the other side
SETTINGS = {"receipt_delay_ms": 200}


def make_fake(conn: psycopg.Connection) -> None:
    """Add the provider `fake` where it is missing; one that exists keeps its settings."""
    conn.execute(
        """
        insert into sms.provider (provider, adapter, tps, max_batch, settings)
        values (%(fake)s, %(fake)s, %(tps)s, 1000, %(settings)s)
            on conflict (provider) do nothing
        """,
        {"fake": FAKE, "tps": NO_LIMIT, "settings": Jsonb(SETTINGS)},
    )


def route_to_fake(conn: psycopg.Connection) -> int:
    """Point every lane to `fake` if all of them are parked; returns how many were pointed."""
    row = conn.execute(
        """
        select sms.switch_channel('*', %(fake)s)
         where not exists (select from sms.lane as l where l.provider_id is not null)
        """,
        {"fake": FAKE},
    ).fetchone()
    return int(row[0]) if row else 0


def prepare(dsn: str, *, route: bool) -> str:
    """Do what a new database needs in one transaction; returns a sentence for the user."""
    with psycopg.connect(dsn) as conn:
        make_fake(conn)
        if route and route_to_fake(conn):
            return "Every lane leads to the provider 'fake', which sends nothing to anybody."
        row = conn.execute("select count(*) from sms.lane where provider_id is null").fetchone()
    parked = int(row[0]) if row else 0
    return f"{parked} lanes are parked; route them with: outbox provider switch" if parked else ""


def make_logins(cluster: Cluster) -> None:
    """Give the programs of the private cluster the small logins that they work with."""
    with psycopg.connect(cluster.url) as conn:
        make_login(conn, WORKER, "sms_worker", cluster.password_of(WORKER))
        make_login(conn, DLR, "sms_dlr", cluster.password_of(DLR))


def main() -> int:
    given = os.environ.get("OUTBOX_DSN")
    try:
        sentence = prepare(given or private().url, route=not given)
        if not given:
            make_logins(private())
    except (ClusterError, psycopg.Error) as error:
        echo(str(error).strip().splitlines()[0], err=True)
        return 1
    if sentence:
        echo(sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
