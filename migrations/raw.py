"""Send SQL files to the server as they are.

Through SQLAlchemy a `%%` or a `:name` inside a literal would be rewritten, so files go over the
raw driver connection.
"""

from pathlib import Path

from alembic import op
from psycopg import Connection


def run_file(path: Path) -> None:
    """Run one SQL file on the connection of the running revision."""
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError("migrations run over psycopg")
    connection.execute(path.read_bytes())
