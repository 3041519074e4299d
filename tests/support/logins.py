"""People and programs of a test: real logins with the group roles that production gives them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo


class Logins:
    """Makes logins on a server and connects as them; `name` tells what a login is called."""

    def __init__(self, owner: AsyncConnection, dsn: str, stack: AsyncExitStack) -> None:
        self._owner = owner
        self._dsn = dsn
        self._stack = stack
        self._mark = secrets.token_hex(3)  # roles belong to the whole server
        self._made: dict[str, str] = {}

    def name(self, who: str) -> str:
        """The login of a person."""
        return f"{who}_{self._mark}"

    def dsn(self, who: str) -> str:
        """What a program of theirs connects by; they have logged in before."""
        login = self.name(who)
        return make_conninfo(self._dsn, user=login, password=self._made[login])

    async def connect(self, who: str, role: str | None) -> AsyncConnection:
        """Log in as somebody with this group role, or none; makes the login the first time."""
        login = self.name(who)
        if login not in self._made:
            self._made[login] = secrets.token_hex(8)
            await self._owner.execute(
                sql.SQL("create role {} login password {}").format(
                    sql.Identifier(login), sql.Literal(self._made[login])
                )
            )
            if role is not None:
                await self._owner.execute(
                    sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login))
                )
        conn = await AsyncConnection.connect(self.dsn(who), autocommit=True)
        await self._stack.enter_async_context(conn)
        return conn

    async def forget(self) -> None:
        """Drop the logins."""
        for login in self._made:
            one = sql.Identifier(login)
            await self._owner.execute(sql.SQL("drop owned by {}").format(one))
            await self._owner.execute(sql.SQL("drop role {}").format(one))


@asynccontextmanager
async def logins(owner: AsyncConnection, dsn: str) -> AsyncIterator[Logins]:
    """The logins of one test, gone at its end."""
    async with AsyncExitStack() as stack:
        made = Logins(owner, dsn, stack)
        try:
            yield made
        finally:
            await stack.aclose()
            await made.forget()


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
            await owner.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
            await owner.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
