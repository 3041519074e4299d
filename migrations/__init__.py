"""Schema changes by Alembic, then the repeatable part: every function, view, seed and grant."""

from migrations.apply import migrate

__all__ = ["migrate"]
