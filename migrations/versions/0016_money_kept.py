"""From here on changes of budgets, goals, fees, exchange rates and zones of regions are kept.

The DDL stands in 0016_money_kept.sql beside this file; the triggers are made by audit_rule.sql.
"""

from pathlib import Path

from migrations.raw import run_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: kept changes are not forgotten")
