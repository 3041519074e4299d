"""From here on ids refuse with a sentence where their range ends, at the end of 2088."""

from pathlib import Path

from migrations.raw import run_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup")
