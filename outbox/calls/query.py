"""How a call runs its query: named arguments in, frozen values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

T = TypeVar("T")


async def one_row(
    conn: AsyncConnection,
    kind: type[T],
    query: LiteralString,
    arguments: Mapping[str, Any] | None = None,
) -> T:
    [row] = await all_rows(conn, kind, query, arguments)
    return row


async def all_rows(
    conn: AsyncConnection,
    kind: type[T],
    query: LiteralString,
    arguments: Mapping[str, Any] | None = None,
) -> list[T]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchall()


async def one_value(
    conn: AsyncConnection, query: LiteralString, arguments: Mapping[str, Any] | None = None
) -> Any:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchone()


def clean(text: str) -> str:
    """PostgreSQL keeps no NUL in a text, and what a provider says must not break a batch."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
