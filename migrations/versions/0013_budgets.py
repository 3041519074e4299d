"""Money as it is spent, and budgets that stop it.

The DDL stands in 0013_budgets.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was spent since cannot be undone")
