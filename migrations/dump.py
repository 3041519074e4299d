"""`python -m migrations.dump`: write `sql/schema.sql`, the present schema on one page.

A scratch database is migrated and dumped, so the page shows what the migrations make and nothing
that somebody did by hand. Owners, versions, settings and the monthly partitions are left out.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migrations.apply import SQL, migrate
from outbox.terminal import echo

FILE = SQL / "schema.sql"
# The dump's wording changes with the major version, so the page is written and compared with one.
MAJOR = 15
HEADER = f"-- Written by 'python -m migrations.dump' with PostgreSQL {MAJOR}; do not edit.\n\n"
OPTIONS = (
    "--schema-only", "--no-owner", "-n", "sms", "-n", "geo", "-n", "erp",
    "-n", "sms_audience", "-n", "sms_parser", "-T", "sms.*_y????m??",
)  # fmt: skip
# What differs between two dumps of the same schema, or says nothing about it.
NOISE = re.compile(
    r"--|-- (Dumped |PostgreSQL database dump|Name: .*; Type: (COMMENT|ACL);).*"
    r"|SET .*|\\(un)?restrict .*|.*set_config.*"
)
HEADLINE = re.compile(r"^-- Name: (.*); Type: (.*); Schema: .*; Owner: -$")


class DumpError(Exception):
    """One sentence on why there is no dump."""


def dump(dsn: str) -> str:
    """The schema of the database, normalised: the same text wherever it was migrated.

    Raises DumpError where the server or pg_dump is of another major version.
    """
    with psycopg.connect(dsn) as conn:
        major = conn.info.server_version // 10_000
    if major != MAJOR:
        raise DumpError(f"the server is PostgreSQL {major}, the page is written with {MAJOR}")
    address = {**conninfo_to_dict(dsn)}
    password = str(address.pop("password", None) or os.environ.get("PGPASSWORD", ""))
    answer = subprocess.run(
        [_pg_dump(), *OPTIONS, "--dbname", make_conninfo("", **address)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGPASSWORD": password},
    )
    if answer.returncode:
        raise DumpError(answer.stderr.strip().splitlines()[-1])
    return HEADER + normalise(answer.stdout)


def normalise(text: str) -> str:
    """Without noise, and never two empty lines in a row."""
    lines = [
        HEADLINE.sub(r"-- \2 \1", line.rstrip())
        for line in text.splitlines()
        if not NOISE.fullmatch(line.rstrip())
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def write(server: str, path: Path = FILE) -> None:
    """Migrate a scratch database on this server, dump it into the file, drop it."""
    name = f"outbox_schema_{secrets.token_hex(4)}"
    scratch = make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            migrate(scratch)
            path.write_text(dump(scratch), encoding="utf-8")
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _pg_dump() -> str:
    """The program of the right major version."""
    installed = Path(f"/usr/lib/postgresql/{MAJOR}/bin/pg_dump")
    path = str(installed) if installed.exists() else shutil.which("pg_dump")
    if path is None:
        raise DumpError(
            f"pg_dump is missing; install it with: apt-get install postgresql-client-{MAJOR}"
        )
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    if f" {MAJOR}." not in answer.stdout:
        raise DumpError(f"{answer.stdout.strip()} is not of version {MAJOR}")
    return path


def main() -> int:
    """Parse the arguments and write the page."""
    parser = argparse.ArgumentParser(prog="python -m migrations.dump", description=write.__doc__)
    parser.add_argument(
        "--dsn",
        default=os.environ.get("OUTBOX_DSN"),
        help="default: OUTBOX_DSN, else the private cluster",
    )
    server = parser.parse_args().dsn
    if server is None:
        from outbox.cluster import url

        server = url()
    try:
        write(server)
    except (psycopg.Error, DumpError) as error:
        echo(f"sql/schema.sql was not written: {' '.join(str(error).split())}", err=True)
        return 1
    echo("sql/schema.sql is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
