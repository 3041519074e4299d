"""Routes, provider health, breakers, pins and the history of lanes.

The DDL stands in 0007_routes.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was sent since cannot be undone")
