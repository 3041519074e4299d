"""`python -m demo`: from the ERP's INSERT through rules, workers, Kannel and an SMSC to reports.

Exits with 1 when any row is unaccounted for. It makes a database of its own, anew each time.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

import psycopg
from rich.console import Console

from cli.screen import Screen
from demo import ending, picture, play, scene, stage
from kannel.boxes import Boxes
from kannel.processes import NotStarted
from kannel.simulator import Simulator, whole_texts
from outbox.cluster import private
from outbox.server_programs import ClusterError, free_port
from outbox.terminal import echo

FOLDER = stage.ROOT / ".local" / "demo"
MAP = FOLDER / "map.png"
LOG = FOLDER / "outbox.log"
RECEIPT_DELAY_MS = 700
WIDTH = 120  # where the output is no terminal


async def main(console: Console) -> int:
    """Set the stage, play, report; return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    dsn = stage.fresh_database(os.environ.get("OUTBOX_DSN") or private().url)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        await play.furnish(console, conn, dsn, FOLDER)
        with Simulator(dlr_ms=RECEIPT_DELAY_MS) as smsc, Boxes(smsc_port=smsc.port) as boxes:
            boxes.wait_for_link()
            code = await act(console, conn, dsn, boxes)
            at_smsc = len(whole_texts(smsc.records("submit_sm")))
        faults = await report(console, conn, at_smsc)
    if code:
        faults.append(f"'outbox run' ended with {code}; its log: {LOG.relative_to(stage.ROOT)}.")
    for sentence in faults:
        console.print(f"✗ {sentence}", style="bold red")
    where = dsn if "OUTBOX_DSN" in os.environ else "$(.venv/bin/outbox db url)_demo"
    console.print(f"Map: {MAP.relative_to(stage.ROOT)}")
    console.print(f'Look around: psql "{where}"')
    return 1 if faults else 0


async def act(console: Console, conn: psycopg.AsyncConnection, dsn: str, boxes: Boxes) -> int:
    """Ask for messages and have them sent; return the exit code of the outbox program."""
    settings = stage.kannel_settings(boxes)
    await play.connect(console, conn, settings, stage.SECRET_VARIABLE)
    await play.ask_odd(console, conn)
    await play.ask_campaign(console, conn, scene.zones(datetime.now(UTC)))
    async with stage.outbox_run(dsn, boxes, port=free_port(), log=LOG) as program:
        notices = asyncio.create_task(play.ask_notices(dsn))
        await play.watch(console, dsn, program, notices)
        await notices
    return program.returncode or 0


async def report(console: Console, conn: psycopg.AsyncConnection, at_smsc: int) -> list[str]:
    """Show the table, one message explained, and the map; return what does not add up."""
    lines = await ending.lines(conn)
    ending.show(console, lines)
    await ending.show_channels(console, conn)
    await ending.explain_one(console, conn)
    centre, dots = await ending.dots(conn)
    picture.draw(MAP, station=scene.STATION, centre=centre, radius_m=scene.RADIUS_M, dots=dots)
    faults = (await ending.count(conn, lines, at_smsc)).faults()
    if not faults:
        console.print()
        console.print(
            f"✓ Every row is accounted for; the SMSC's own log has the same {at_smsc} messages.",
            style="bold green",
        )
    return faults


def run() -> int:
    """Run the demo; whatever is missing is one sentence."""
    try:
        width = None if sys.stdout.isatty() else WIDTH
        return asyncio.run(main(Screen(width=width)))
    except (ClusterError, NotStarted, psycopg.Error, TimeoutError) as error:
        sentence = str(error).strip().splitlines() or ["the messages were not sent in time"]
        echo(f"demo: {sentence[0]}", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(run())
