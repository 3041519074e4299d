"""`outbox campaign …`: preview, launch, steer and watch them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.app import AsJson, moment, run_async, show, word
from cli.campaign import Name, commands
from cli.campaign_watch import bar_while, watch_run
from cli.preview import print_findings
from outbox.calls import campaigns
from outbox.db import Database, open_database
from outbox.errors import DatabaseAway, DatabaseError
from outbox.rows import DryRunLine
from outbox.rows_campaigns import Progress
from outbox.settings import load
from outbox.terminal import echo

ANSWER_S = 900.0  # an audience of millions, or its preview, takes a minute or two
LAUNCH = timedelta(minutes=9)


@commands.command("dry-run", epilog="Example: outbox campaign dry-run spring")
def dry_run(
    campaign: Name,
    as_of: Annotated[str, typer.Option(help="When it would start, like 2026-03-01T09:00.")] = "now",
    as_json: AsJson = False,
) -> None:
    """Foretell its launch; once it is under way, what is left of it. Writes nothing."""
    start = None if as_of == "now" else moment(as_of, "--as-of")
    found = run_async(_dry_run(campaign, start))
    if as_json:
        show(found)
    else:
        print_findings(found)


async def _dry_run(campaign: str, as_of: datetime | None) -> list[DryRunLine]:
    async with (
        open_database(load(), name="outbox campaign") as db,
        db.connection(timeout_s=ANSWER_S) as conn,
    ):
        key = await campaigns.find(conn, campaign=campaign)
        return await campaigns.dry_run(conn, campaign_id=key, as_of=as_of)


@commands.command(epilog="Example: outbox campaign launch spring")
def launch(campaign: Name, as_json: AsJson = False) -> None:
    """Freeze its recipients and begin, or plan its run where the schedule says later."""
    run = run_async(_launch(campaign))
    if as_json:
        show(run)
    elif run.frozen_at is None:
        when = word(run.begins_at) if run.begins_at else "the next moment of its cron expression"
        echo(f"run {run.run_id} is planned for {when}")
    else:
        echo(f"run {run.run_id}: {run.recipients:,} recipients, {run.repeated:,} repeats dropped")


async def _launch(campaign: str) -> Progress:
    """In two steps, so that a launch that is killed in the second is carried on by a worker."""
    async with open_database(load(), name="outbox campaign") as db:
        key = await db.call(campaigns.find, campaign=campaign)
        run_id = await db.call(campaigns.begin_launch, campaign_id=key)
        with bar_while("collecting recipients"):
            await _freeze(db, run_id)
        [run] = await db.call(campaigns.progress, campaign_id=key, run_id=run_id)
        return run


async def _freeze(db: Database, run_id: int) -> None:
    try:
        async with db.connection(timeout_s=ANSWER_S) as conn, conn.transaction():
            await campaigns.limit_time(conn, limit=LAUNCH)
            await campaigns.finish_launch(conn, run_id=run_id)
    except DatabaseAway:  # a worker will carry on
        raise
    except DatabaseError as error:
        await db.call(campaigns.give_up_launch, run_id=run_id, problem=str(error))
        raise


@commands.command(epilog="Example: outbox campaign release spring")
def release(campaign: Name, as_json: AsJson = False) -> None:
    """Four eyes: release it as it is now; whoever wrote it cannot."""
    run_async(_release(campaign))
    if as_json:
        show({"campaign": campaign, "result": "released"})
    else:
        echo(f"{campaign}: released")


async def _release(campaign: str) -> None:
    async with open_database(load(), name="outbox campaign") as db:
        await db.call(campaigns.release, campaign=campaign)


@commands.command(epilog="Example: outbox campaign pause spring")
def pause(campaign: Name, as_json: AsJson = False) -> None:
    """Queue nothing more and hold what is queued; a worker sends what it has in hand."""
    _steer("pause", campaign, "paused, {:,} queued messages held", as_json=as_json)


@commands.command(epilog="Example: outbox campaign resume spring")
def resume(campaign: Name, as_json: AsJson = False) -> None:
    """Go on with a paused campaign."""
    _steer("resume", campaign, "resumed, {:,} held messages due again", as_json=as_json)


@commands.command(epilog="Example: outbox campaign stop spring")
def stop(campaign: Name, as_json: AsJson = False) -> None:
    """End it for good: what is queued is suppressed, the rest never queued."""
    _steer("stop", campaign, "stopped, {:,} people spared", as_json=as_json)


def _steer(verb: str, campaign: str, said: str, *, as_json: bool) -> None:
    count = run_async(_steered(verb, campaign))
    if as_json:
        show({"campaign": campaign, "result": verb, "messages": count})
    else:
        echo(f"{campaign}: {said.format(count)}")


async def _steered(verb: str, campaign: str) -> int:
    async with open_database(load(), name="outbox campaign") as db:
        return await db.call(campaigns.steer, verb=verb, campaign=campaign)


@commands.command(epilog="Example: outbox campaign watch spring")
def watch(
    campaign: Name,
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.1)] = 1.0,
    count: Annotated[int, typer.Option(help="Stop after so many looks; 0: at its end.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Watch its run live until it ends: bar, rate, end, states, cost. --json: a line a look."""
    run_async(watch_run(campaign, every_s=every, count=count, as_json=as_json))
