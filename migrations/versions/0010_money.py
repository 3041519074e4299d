"""Money: volume steps of tariffs, monthly fees, what providers billed.

The DDL stands in 0010_money.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was billed since cannot be undone")
