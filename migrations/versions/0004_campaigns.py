"""Campaigns: schedules, runs with frozen recipients, feeding, release, budget.

The DDL stands in 0004_campaigns.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was sent since cannot be undone")
