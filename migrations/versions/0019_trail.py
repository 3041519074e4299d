"""Four eyes that two cannot pass, a trail that those it watches cannot bend, several ERPs.

The DDL stands in 0019_trail.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: who wrote what is not forgotten")
