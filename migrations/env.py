"""Alembic environment: runs revisions on the connection that migrations.migrate() opened."""

from alembic import context

from migrations.models import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run 'python -m migrations' or 'outbox migrate': one transaction carries tables and functions")
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema="public",
    version_table="sms_alembic_version",
    transactional_ddl=True,
)
context.run_migrations()
