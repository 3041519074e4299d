"""Forecasts kept for the ERP and for comparing with what came.

The DDL stands in 0012_forecast.sql beside this file.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what was foretold is gone with its table")
