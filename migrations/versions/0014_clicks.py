"""Own short links, and who opened them. Off until a base is set.

The DDL stands in 0014_clicks.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: links that were sent would lead nowhere")
