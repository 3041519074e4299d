"""Real logins: members of one group role and nobody else, who log in with a password of theirs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from outbox.logins import Role, make_login


@contextmanager
def login(dsn: str, role: Role) -> Iterator[str]:
    """The DSN, a URL, of a login of the test's own; it is gone afterwards."""
    name, password = f"login_{secrets.token_hex(4)}", secrets.token_hex(12)
    with psycopg.connect(dsn) as owner:
        make_login(owner, name, role, password)
    where = conninfo_to_dict(dsn)
    try:
        yield f"postgresql://{name}:{password}@{where['host']}:{where['port']}/{where['dbname']}"
    finally:
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
