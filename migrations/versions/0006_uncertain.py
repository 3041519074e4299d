"""Names given before sending, asking about doubtful messages, remapping, balances.

The DDL stands in 0006_uncertain.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was sent since cannot be undone")
