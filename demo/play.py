"""The acts of the demo: what the ERP, the analyst and the operator do, each shown as its SQL."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.live import Live
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from demo import ending, scene
from geo.generate import clients, put_on_map, stations
from geo.numbering import import_numbering
from migrations import migrate
from outbox import calls

SEED = 20
NOTICES_A_BURST = 20
BURST_EVERY_S = 0.15
REFRESH_S = 0.5
WATCH_S = 80
RECEIPT_WAIT = timedelta(seconds=15)
WATCHED = ("pending", "inflight", "accepted", "delivered", "undelivered", "suppressed")


def tell(console: Console, who: str, what: str, statement: str = "") -> None:
    """Print a heading, and the SQL that runs."""
    console.print(Text.assemble("\n", (who, "bold cyan"), f" {what}"))
    if statement:
        console.print(Syntax(statement.strip(), "sql", theme="ansi_dark", padding=(0, 2)))


async def furnish(console: Console, conn: AsyncConnection, dsn: str, folder: Path) -> None:
    """Make the schema, the numbering plan, clients around real towns, the ERP's own tables."""
    tell(console, "DBA", "migrates a fresh database and imports a numbering plan")
    await asyncio.to_thread(migrate, dsn)
    plan = folder / "numbering.csv"
    plan.write_text("\n".join(scene.numbering_plan()), encoding="utf-8")
    numbering = await import_numbering(conn, plan)
    console.print(f"  {numbering.kept} ranges, all in codes that no operator holds")
    tell(console, "ERP", f"has {scene.CLIENTS:,} clients around real towns; some phones are dirty")
    await conn.execute(scene.CREATE_ERP)
    await put_clients(conn)
    for statement in (scene.DIRTY, scene.BLACKLIST):
        await conn.execute(statement)


async def put_clients(conn: AsyncConnection) -> None:
    """Put made-up clients into geo.client_location and erp.local_client."""
    made = clients(scene.CLIENTS, SEED, await stations(conn))
    await put_on_map(conn, made, scene.CLIENTS, with_phones=True)
    await conn.execute("analyze geo.client_location, erp.local_client")


async def connect(
    console: Console, conn: AsyncConnection, settings: Mapping[str, str | int], secret: str
) -> None:
    """Make the provider and send every channel through it."""
    tell(console, "Operator", "adds the Kannel that has just started and sends all through it")
    await conn.execute(
        "select sms.set_provider('kannel', 'kannel', %s, %s, p_tps => 2000)",
        (Jsonb(settings), secret),
    )
    lanes = await calls.switch_channel(conn, channel="*", provider="kannel")
    console.print(f"  {lanes} lanes now lead to Kannel")
    await conn.execute(scene.TARIFFS)


async def ask_odd(console: Console, conn: AsyncConnection) -> None:
    """Insert rows with something wrong in them: every one is kept, with a reason."""
    what = "inserts rows with mistakes; each is kept and gets its reason"
    tell(console, "ERP", what, scene.ODD_ROWS)
    await as_erp(conn, scene.ODD_ROWS)


async def ask_campaign(console: Console, conn: AsyncConnection, zones: scene.Zones) -> None:
    """Put the analyst's audience straight into the outbox."""
    tell(
        console,
        "Analyst",
        f"picks the clients within {scene.RADIUS_M} m of a metro station. So that something is "
        f"sent at any hour, nine in ten are said to be in {zones.awake}, where it is day, "
        f"one in ten in {zones.asleep}, where it is night",
        scene.CAMPAIGN,
    )
    cursor = await conn.execute(
        scene.CAMPAIGN,
        {
            "station": scene.STATION,
            "radius_m": scene.RADIUS_M,
            "awake": zones.awake,
            "asleep": zones.asleep,
        },
    )
    console.print(f"  {cursor.rowcount} rows")


async def as_erp(
    conn: AsyncConnection, statement: str, values: Mapping[str, object] | None = None
) -> None:
    """Run a statement as the role the ERP has."""
    async with conn.transaction():
        await conn.execute("set local role sms_erp")
        await conn.execute(statement, values)


async def ask_notices(dsn: str) -> None:
    """Let payments come in while the campaign runs: small transactions, urgent channel."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as erp:
        for _ in range(0, scene.NOTICES, NOTICES_A_BURST):
            cursor = await erp.execute(scene.PAY, {"payments": NOTICES_A_BURST})
            row = await cursor.fetchone()
            await as_erp(erp, scene.NOTICE, {"payments": row[0] if row else []})
            await asyncio.sleep(BURST_EVERY_S)


async def watch(console: Console, dsn: str, program: Process, notices: asyncio.Task[None]) -> None:
    """Show the states live until the ERP is done and nothing is left, or the program ends."""
    tell(console, "Workers", "claim, send and hear back; meanwhile payments come in", scene.NOTICE)
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        with Live(console=console, refresh_per_second=4) as live:
            async with asyncio.timeout(WATCH_S):
                while program.returncode is None:
                    live.update(await _states(conn))
                    left = await calls.work_left(conn, receipt_wait=RECEIPT_WAIT)
                    if notices.done() and not (left.due or left.inflight or left.awaiting_receipt):
                        break
                    await asyncio.sleep(REFRESH_S)


async def _states(conn: AsyncConnection) -> Table:
    """Count the messages by state, as a table of one row."""
    counts = dict.fromkeys(WATCHED, 0)
    for line in await ending.lines(conn):
        counts[line.state] = counts.get(line.state, 0) + line.messages
    table = Table(*counts)
    table.add_row(*map(str, counts.values()))
    return table
