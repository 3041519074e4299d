"""`python -m migrations [--dsn DSN]`: bring a database up to date, all or nothing."""

import argparse
import os
import sys

import psycopg

from migrations.apply import migrate, open_walls
from outbox.cluster import private
from outbox.server_programs import ClusterError
from outbox.terminal import echo


def main() -> int:
    """Parse the arguments, migrate, say what happened in one line."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=migrate.__doc__)
    given = os.environ.get("OUTBOX_DSN")
    parser.add_argument(
        "--dsn", default=given, help="default: OUTBOX_DSN, else the private cluster"
    )
    dsn = parser.parse_args().dsn
    try:
        dsn = dsn or private().url
        echo(f"database is at revision {migrate(dsn)}")
        for wall in open_walls(dsn):
            echo(wall, err=True)
    except (psycopg.Error, ClusterError) as error:
        why = str(error).strip().splitlines()[0]
        echo(f"migration failed, nothing was changed: {why}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
