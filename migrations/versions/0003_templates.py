"""Templates with declared variables, audiences, the ERP's client view, who did what.

The DDL stands in 0003_templates.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was sent since cannot be undone")
