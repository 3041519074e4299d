"""The tables of the spine: what was asked, what waits, what happened, rules, points on the map.

The DDL stands in 0001_spine.sql beside this file: it reads as SQL and reaches the server as it is.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: there is no way back from the first revision")
