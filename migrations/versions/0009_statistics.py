"""Statistics: hourly and daily sums kept true by recounting the hours in which something changed.

The DDL stands in 0009_statistics.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: sums can be made anew, messages cannot")
