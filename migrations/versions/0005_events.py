"""Events of the ERP and the rules that turn them into messages.

The DDL stands in 0005_events.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was sent since cannot be undone")
