"""A PgBouncer in transaction mode in front of the test's server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kannel import processes

POOL = 3
CONFIG = """
[databases]
* = host={host} port={port} user={user} password={password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def bouncer(dsn: str) -> Iterator[str]:
    """The DSN of the same database through PgBouncer, which keeps at most POOL connections to it.

    Whoever comes through has the rights of the DSN's owner.
    """
    server = conninfo_to_dict(dsn)
    port = processes.free_ports(1)[0]
    through = f"postgresql://outbox@127.0.0.1:{port}/{server['dbname']}"
    known = {"host": "127.0.0.1", "port": 5432, "password": "", **server}
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        config = folder / "pgbouncer.ini"
        config.write_text(CONFIG.format(**known, listen_port=port, pool=POOL))
        config.chmod(0o600)  # it holds the password
        processes.give_to_user(folder)
        command = [processes.required("pgbouncer", "pgbouncer"), str(config)]
        output = folder / "output"
        process = processes.start(command, folder=folder, output=output)
        try:
            processes.wait_until(
                lambda: _answers(through), process, name="PgBouncer", output=output
            )
            yield through
        finally:
            processes.stop(process)


def _answers(dsn: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(dsn, connect_timeout=2):
        return True
    return False
