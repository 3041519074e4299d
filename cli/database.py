"""`outbox db url` and `outbox migrate`."""

from __future__ import annotations

import sys

import typer

from cli.app import AsJson, app, show
from outbox.db import find_dsn
from outbox.settings import load

commands = typer.Typer(help="The database itself.")
app.add_typer(commands, name="db")


@commands.command(epilog='Example: psql "$(outbox db url)"')
def url(as_json: AsJson = False) -> None:
    """Print the DSN: OUTBOX_DSN where it is set, else the private cluster's."""
    dsn = find_dsn(load())
    if as_json:
        show({"url": dsn})
    else:
        print(dsn)


@app.command(epilog="Example: OUTBOX_DSN=postgresql://… outbox migrate")
def migrate(as_json: AsJson = False) -> None:
    """Bring the database up to date: tables, functions, views, seeds and grants, all or nothing."""
    from migrations import apply  # half a second that others save

    dsn = find_dsn(load())
    revision, walls = apply.migrate(dsn), apply.open_walls(dsn)
    if as_json:
        show({"revision": revision, "open_walls": walls})
        return
    print(f"database is at revision {revision}")
    for wall in walls:
        print(wall, file=sys.stderr)
