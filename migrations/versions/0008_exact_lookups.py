"""Hash indexes for what every judgement looks up by an exact key.

The DDL stands in 0008_exact_lookups.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: indexes alone would not tell which release runs")
