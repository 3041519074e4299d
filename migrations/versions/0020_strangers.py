"""Which providers had a message before, reports of those that never had it, numbers held busy.

The DDL stands in 0020_strangers.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: reports that were kept are not forgotten")
