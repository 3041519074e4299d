"""The SQLAlchemy metadata that Alembic compares with: the geo tables, where models serve."""

from geo.models import Base

metadata = Base.metadata
