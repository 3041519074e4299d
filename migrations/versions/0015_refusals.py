"""What tables refuse, in whole sentences; and more that they refuse.

The DDL stands in 0015_refusals.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: the former names of the constraints are forgotten")
