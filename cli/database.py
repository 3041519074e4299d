"""`outbox db …` and `outbox migrate`."""

from __future__ import annotations

import os
from typing import Annotated, cast, get_args

import psycopg
import typer

from cli.app import AsJson, app, show
from outbox.db import find_dsn, sentences
from outbox.errors import UsageMistake
from outbox.logins import Role, make_login
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


@commands.command(
    epilog="Example: outbox db login outbox_worker --role sms_worker --password-env WORKER_PASSWORD"
)
def login(
    name: Annotated[str, typer.Argument(help="The login.")],
    role: Annotated[str, typer.Option(help="What it may do: sms_worker, sms_dlr, sms_operator …")],
    password_env: Annotated[
        str, typer.Option(help="Name of the variable that holds its password.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a login with one small role, or give it another password. Needs the owner's DSN."""
    if role not in get_args(Role):
        raise UsageMistake(f"--role {role}: choose one of {', '.join(get_args(Role))}.")
    password = os.environ.get(password_env)
    if not password:
        raise UsageMistake(f"--password-env {password_env}: that variable is not set.")
    with sentences(), psycopg.connect(find_dsn(load())) as conn:
        done = make_login(conn, name, cast(Role, role), password)
    if as_json:
        show({"login": name, "role": role, "result": done})
    else:
        echo(f"{name}: {done}, a member of {role}")


@app.command(epilog="Example: OUTBOX_DSN=postgresql://… outbox migrate")
def migrate(as_json: AsJson = False) -> None:
    """Bring the database up to date: tables, functions, views, seeds and grants, all or nothing."""
    from migrations import apply  # half a second that others save

    dsn = find_dsn(load())
    revision, walls = apply.migrate(dsn), apply.open_walls(dsn)
    if as_json:
        show({"revision": revision, "open_walls": walls})
        return
    echo(f"database is at revision {revision}")
    for wall in walls:
        echo(wall, err=True)
