"""Audiences and goals are read by a role that owns nothing it could name and may create nothing.

The DDL stands in 0017_walls.sql beside this file; grants in sql/roles.sql and sql/public.sql.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: a wall is not taken down")
