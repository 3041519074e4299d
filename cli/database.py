"""`outbox db url` and `outbox migrate`."""

from __future__ import annotations

import typer

from cli.app import AsJson, app, show
from outbox.db import find_dsn
from outbox.settings import load
from outbox.terminal import echo

commands = typer.Typer(help="The database itself.")
app.add_typer(commands, name="db")


@commands.command(epilog='Example: psql "$(outbox db url)"')
def url(as_json: AsJson = False) -> None:
    """Print the DSN: OUTBOX_DSN where it is set, else the private cluster's."""
    dsn = find_dsn(load())
    if as_json:
        show({"url": dsn})
    else:
        echo(dsn)


@app.command(epilog="Example: OUTBOX_DSN=postgresql://… outbox migrate")
def migrate(as_json: AsJson = False) -> None:
    """Bring the database up to date: tables, functions, views, seeds and grants, all or nothing."""
    from migrations.apply import migrate as apply_migrations  # half a second that others save

    revision = apply_migrations(find_dsn(load()))
    if as_json:
        show({"revision": revision})
    else:
        echo(f"database is at revision {revision}")
