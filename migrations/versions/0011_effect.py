"""Effect: goals, and what clients did that may be owed to a message.

The DDL stands in 0011_effect.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what clients did since cannot be asked again")
