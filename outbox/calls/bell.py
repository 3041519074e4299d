"""Sleeping and being woken: on a connection of its own, for these are session state."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection, sql

from outbox.calls.query import one_value


async def listen(conn: AsyncConnection, *, channels: Sequence[str]) -> None:
    """LISTEN to the channels."""
    for channel in channels:
        await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))


async def try_sleep(conn: AsyncConnection, *, gate: int) -> int | None:
    """Take a slot of a gate before sleeping; null: somebody is awake there, try again shortly."""
    slot = await one_value(conn, "select sms.try_sleep(p_gate => %(gate)s)", {"gate": gate})
    return None if slot is None else int(slot)


async def wake_up(conn: AsyncConnection, *, gate: int, slot: int) -> None:
    """Give the slot back."""
    await conn.execute(
        "select sms.wake_up(p_gate => %(gate)s, p_slot => %(slot)s)", {"gate": gate, "slot": slot}
    )


async def ping(conn: AsyncConnection) -> None:
    """Ask whether the server is still there."""
    await conn.execute("select")
