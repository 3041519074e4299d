"""One transaction = revisions, then every function, view, seed and grant from the folder `sql/`."""

from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from providers.registry import declared

SQL = Path(__file__).parent.parent / "sql"
# Two migrations at once would trip over each other's DDL; the second waits here.
MIGRATION_LOCK = 0x534D53
VERSION_TABLE: dict[str, Any] = {
    "version_table_schema": "public",
    "version_table": "sms_alembic_version",
}


def migrate(dsn: str) -> str:
    """Bring the database up to date in one transaction and return its revision.

    Raises psycopg.Error when anything fails; then nothing has changed.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )
    try:
        with engine.begin() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            raw.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            raw.execute("set local client_min_messages = warning")
            _upgrade(connection)
            _apply_files(raw)
            context = MigrationContext.configure(connection, opts=VERSION_TABLE)
            revision = context.get_current_revision()
    except DBAPIError as error:
        raise error.orig or error from None  # what went wrong, without SQLAlchemy's wrapping
    finally:
        engine.dispose()
    return revision or "none"


def open_walls(dsn: str) -> list[str]:
    """What everybody may still do here, each with the statement by which a DBA ends it."""
    with psycopg.connect(dsn) as connection:
        walls = connection.execute("select wall, remedy from sms.open_walls()").fetchall()
    return [f"open to everybody: {wall}. A DBA runs: {remedy};" for wall, remedy in walls]


def _upgrade(connection: Connection) -> None:
    """Run the revisions that are missing."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _apply_files(connection: psycopg.Connection) -> None:
    """Re-apply the repeatable part; bodies are checked late, so functions need no order."""
    connection.execute("set local check_function_bodies = off")
    connection.execute("set local sms.seeding = on")  # what people corrected is left alone
    last = [SQL / "roles.sql", SQL / "public.sql"]
    for path in [*_files("functions"), *_files("views"), *_files("seed"), *last]:
        try:
            connection.execute(path.read_bytes())
        except psycopg.Error as error:
            error.add_note(f"in {path.relative_to(SQL.parent)}")
            raise
    for adapter, names in declared().items():
        connection.execute("select sms.declare_adapter(%s, %s)", (adapter, names))
    connection.execute("select created from sms.maintain_partitions()")
    # Caps look back a year, so a history of contacts can be brought to a database of today.
    connection.execute(
        "select sms.make_months(now() - interval '13 months', null, array['contact_log'])"
    )


def _files(folder: str) -> list[Path]:
    """The SQL files of one folder in name order."""
    return sorted((SQL / folder).glob("*.sql"))
