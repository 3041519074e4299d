"""Somebody who really logs in: a role of its own that belongs to a group role."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo


@asynccontextmanager
async def login(dsn: str, *groups: str) -> AsyncIterator[AsyncConnection]:
    """Connect as a new role with the rights of these groups, or of none; dropped at the end."""
    name, password = f"somebody_{secrets.token_hex(4)}", secrets.token_hex(16)
    async with await AsyncConnection.connect(dsn, autocommit=True) as owner:
        await owner.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(name), password)
        )
        try:
            for group in groups:
                await owner.execute(
                    sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(name))
                )
            own = make_conninfo(dsn, user=name, password=password)
            async with await AsyncConnection.connect(own, autocommit=True) as connection:
                yield connection
        finally:
            await owner.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
