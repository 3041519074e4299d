"""Databases for tests: migrated once, then copied."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.support.server import Server


class Databases:
    """Makes and drops copies of one template database on one server."""

    def __init__(self, server: Server, prepare: Callable[[str], object]) -> None:
        """Make the template by calling `prepare` with its DSN."""
        self._server = server
        self._run = f"sms_test_{secrets.token_hex(4)}"
        self._count = 0
        self._template = self._run
        self._execute("create database {}", self._template)
        # Roles belong to the whole server: two runs at once must not both be making them.
        with psycopg.connect(server.dsn) as conn:
            conn.execute("select pg_advisory_lock(5459283)")
            prepare(server.database(self._template))

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The DSN of a copy that is dropped at the end, whoever is still connected."""
        self._count += 1
        name = f"{self._run}_{self._count}"
        self._execute("create database {} template {}", name, self._template)
        self._close_walls(name)
        try:
            yield self._server.database(name)
        finally:
            self._execute("drop database {} with (force)", name)

    def close(self) -> None:
        self._execute("drop database {} with (force)", self._template)

    def _close_walls(self, name: str) -> None:
        """A copy lacks what the template's own row in pg_database says; see sql/public.sql."""
        self._execute("revoke temporary on database {} from public", name)
        self._execute("grant temporary on database {} to sms_erp, sms_analyst, sms_operator", name)

    def _execute(self, statement: str, *names: str) -> None:
        command = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self._server.dsn, autocommit=True) as conn:
            conn.execute(command)
