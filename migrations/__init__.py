"""Schema changes and the repeatable part: tables by Alembic, then every function, view, seed and grant again."""

from migrations.apply import migrate

__all__ = ["migrate"]
