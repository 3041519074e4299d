"""`outbox receipts …`: what was made of delivery reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show
from cli.screen import progress_bar
from outbox.calls import doubts
from outbox.db import Database, open_database
from outbox.errors import UsageMistake
from outbox.settings import load
from outbox.terminal import echo

BATCH = 5000  # receipts in one transaction
MS_PER_ID = 1 << 22
EPOCH_MS = 1_577_836_800_000  # of ids: 2020-01-01

commands = typer.Typer(help="What was made of delivery reports.")
app.add_typer(commands, name="receipts")


@commands.callback()
def _group() -> None:
    """Keep `remap` a word of its own."""


@commands.command(epilog="Example: outbox receipts remap --since 7d --adapter smsc_ru --apply")
def remap(
    since: Annotated[str, typer.Option(help="From when on: 7d ago, or an ISO time.")] = "7d",
    adapter: Annotated[str | None, typer.Option(help="Only reports of this dialect.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Move messages; else only tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute states from stored reports after sms.receipt_code was corrected.

    Without --apply nothing changes. Every move is kept in sms.receipt_remap.
    """
    start, until = moment(since, "--since"), datetime.now(UTC)
    if start >= until:
        raise UsageMistake("--since: name a moment in the past.")
    total = run_async(_remap(start, until, adapter, apply=apply))
    if as_json:
        show(total)
        return
    print_table(["change", ">messages"], sorted(total["changes"].items()))
    verb = "moved" if apply else "would move (say --apply to move them)"
    echo(
        f"{total['receipts']:,} reports mean something else now; "
        f"{total['messages']:,} messages {verb}"
    )


async def _remap(
    start: datetime, until: datetime, adapter: str | None, *, apply: bool
) -> dict[str, Any]:
    async with open_database(load(), name="outbox receipts") as db:
        with progress_bar() as progress:
            task = progress.add_task("remapping", total=(until - start).total_seconds())
            return await _batches(
                db,
                start,
                until,
                adapter,
                apply=apply,
                told=lambda at: progress.update(task, completed=(at - start).total_seconds()),
            )


async def _batches(
    db: Database,
    start: datetime,
    until: datetime,
    adapter: str | None,
    *,
    apply: bool,
    told: Callable[[datetime], None],
) -> dict[str, Any]:
    """Go through the span batch by batch, each a transaction of its own; the sums."""
    receipts = messages = 0
    changes: Counter[str] = Counter()
    after: int | None = None
    while True:
        done = await db.call(
            doubts.remap_receipts,
            since=start,
            until=until,
            adapter=adapter,
            apply=apply,
            after=after,
            limit=BATCH,
        )
        receipts += done.receipts
        messages += done.messages
        changes.update(done.changes)
        if done.last_receipt_id is None:
            return {"receipts": receipts, "messages": messages, "changes": dict(changes)}
        after = done.last_receipt_id
        told(datetime.fromtimestamp((after // MS_PER_ID + EPOCH_MS) / 1000, UTC))
