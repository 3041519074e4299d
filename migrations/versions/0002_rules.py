"""Rules as data: groups, consent, caps per client, holidays, failing numbers, replies, history.

The DDL stands in 0002_rules.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what rules decided since cannot be undone")
