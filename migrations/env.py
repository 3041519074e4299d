"""Alembic environment: runs revisions on the connection that migrations.migrate() opened."""

from alembic import context

from migrations.apply import VERSION_TABLE
from migrations.models import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run 'python -m migrations': one transaction carries tables and functions")
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    **VERSION_TABLE,
)
context.run_migrations()
