"""The database knows which settings each adapter has; values of settings leave the histories.

The DDL stands in 0018_provider_settings.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: values that were blanked are gone")
