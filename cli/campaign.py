"""`outbox campaign …`: write campaigns and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, print_table, run_async, show, word
from cli.campaign_watch import print_progress
from outbox.calls import campaigns
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows_campaigns import CampaignRow, Progress
from outbox.settings import load
from outbox.terminal import echo
from worker.schedule import ScheduleMistake, first_after

commands = typer.Typer(help="Write, preview, launch, steer and watch campaigns.")
app.add_typer(commands, name="campaign")

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Its name or id.")]


@commands.command(
    epilog="Example: outbox campaign create spring --template spring_offer --audience near_metro "
    "--at 10:00 --holdout 5"
)
def create(
    campaign: Annotated[str, typer.Argument(help="Its name.")],
    template: Annotated[str | None, typer.Option(help="The text: NAME or NAME@VERSION.")] = None,
    audience: Annotated[str | None, typer.Option(help="Who gets it.")] = None,
    channel: Annotated[str | None, typer.Option(help="How; planned unless given.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Not before this moment, like 2026-12-01T09:00+03:00.")
    ] = None,
    local: Annotated[
        str | None, typer.Option("--at", help="At this hour of each recipient's clock: 10:00.")
    ] = None,
    cron: Annotated[
        str | None, typer.Option(help="Again and again: 'minute hour day month weekday'.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="The time zone that --cron means.")] = None,
    missed: Annotated[str | None, typer.Option(help="Missed moments: skip, once or all.")] = None,
    per_hour: Annotated[int | None, typer.Option(help="At most so many an hour.", min=1)] = None,
    until: Annotated[str | None, typer.Option(help="Nothing from this moment on.")] = None,
    budget: Annotated[float | None, typer.Option(help="Most that one run may cost.")] = None,
    holdout: Annotated[float | None, typer.Option(help="Percent who get nothing.")] = None,
    four_eyes: Annotated[
        bool | None, typer.Option("--four-eyes/--no-four-eyes", help="Somebody else releases it.")
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option(help="Take a value away: start_at, cron, budget, …")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a campaign, or change what is named of one; nothing is sent before its launch."""
    _check_cron(cron, zone)
    change = {
        "template": template,
        "audience": audience,
        "channel": channel,
        "start_at": None if start is None else _ahead(start, "--start"),
        "local_time": None if local is None else _clock(local),
        "cron": cron,
        "cron_zone": zone,
        "missed_runs": missed,
        "per_hour": per_hour,
        "ends_at": None if until is None else _ahead(until, "--until"),
        "budget": _decimal(budget),
        "holdout_percent": _decimal(holdout),
        "needs_release": four_eyes,
        "clear": clear or [],
    }
    done, waits = run_async(_save(campaign, change))
    if as_json:
        show({"campaign": campaign, "result": done, "waits_for_release": waits})
    else:
        echo(f"{campaign}: {done}{'; its run waits for a release' if waits else ''}")


def _ahead(text: str, option: str) -> datetime:
    """A moment on the calendar: `2h` would mean two hours ago, and begin at once."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageMistake(
            f"{option}: {text!r} is no moment: write one like 2026-12-01T09:00+03:00."
        ) from None


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise UsageMistake(f"--at: {text!r} is no time of day: write 10:00.") from None


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _check_cron(cron: str | None, zone: str | None) -> None:
    """Let the schedule's own reader judge the expression before the database keeps it."""
    if cron is None:
        return
    if zone is None:
        raise UsageMistake("--cron needs --zone, like Europe/Moscow.")
    try:
        first_after(cron, zone, datetime.now().astimezone())
    except ScheduleMistake as mistake:
        raise UsageMistake(f"--cron: {mistake}") from None


async def _save(campaign: str, change: dict[str, Any]) -> tuple[str, bool]:
    """What was done, and whether a run waits because of it until somebody else releases it."""
    async with open_database(load(), name="outbox campaign") as db:
        done = await db.call(campaigns.save, campaign=campaign, **change)
        key = await db.call(campaigns.find, campaign=campaign)
        [row] = await db.call(campaigns.list_campaigns, campaign_id=key)
        return done, row.run_state == "paused" and not row.is_released


@commands.command("list", epilog="Example: outbox campaign list --json")
def list_(as_json: AsJson = False) -> None:
    """Show every campaign: what it sends to whom, how its latest run stands, when the next is."""
    rows = run_async(_list(None))
    if as_json:
        show(rows)
        return
    print_table(
        ["id", "campaign", "template", "audience", "channel", "schedule", "run", "state", "next"],
        [
            (
                row.campaign_id,
                row.campaign,
                row.template,
                row.audience,
                row.channel,
                schedule(row),
                row.run_id,
                row.run_state,
                row.next_run_at,
            )
            for row in rows
        ],
    )


async def _list(campaign: str | None) -> list[CampaignRow]:
    async with open_database(load(), name="outbox campaign") as db:
        key = None if campaign is None else await db.call(campaigns.find, campaign=campaign)
        return await db.call(campaigns.list_campaigns, campaign_id=key)


def schedule(row: CampaignRow) -> str:
    """A campaign's schedule in words."""
    words = []
    if row.cron:
        words.append(f"{row.cron} in {row.cron_zone} (missed: {row.missed_runs})")
    elif row.start_at:
        words.append(f"from {word(row.start_at)}")
    if row.local_time:
        words.append(f"at {row.local_time:%H:%M} there")
    if row.per_hour:
        words.append(f"{row.per_hour:,} an hour")
    if row.ends_at:
        words.append(f"until {word(row.ends_at)}")
    return ", ".join(words) or "at once"


@commands.command("show", epilog="Example: outbox campaign show spring --runs 5")
def show_(
    campaign: Name,
    runs: Annotated[int, typer.Option(help="How many of its runs.", min=1)] = 1,
    as_json: AsJson = False,
) -> None:
    """Show one campaign and how its latest runs stand."""
    [row], found = run_async(_show(campaign, runs))
    if as_json:
        show({"campaign": row, "runs": found})
        return
    print_table(["", ""], [*_facts(row)])
    for progress in found:
        echo()
        print_progress(progress)


async def _show(campaign: str, runs: int) -> tuple[list[CampaignRow], list[Progress]]:
    async with open_database(load(), name="outbox campaign") as db:
        key = await db.call(campaigns.find, campaign=campaign)
        rows = await db.call(campaigns.list_campaigns, campaign_id=key)
        return rows, await db.call(campaigns.progress, campaign_id=key, limit=runs)


def _facts(row: CampaignRow) -> Sequence[tuple[str, object]]:
    return [
        ("campaign", f"{row.campaign} ({row.campaign_id})"),
        ("sends", f"{row.template} to {row.audience} on {row.channel}"),
        ("schedule", schedule(row)),
        ("held out", f"{row.holdout_percent:g} %"),
        ("budget", row.budget if row.budget is not None else "none"),
        ("four eyes", _release(row)),
        ("changed", f"{word(row.changed_at)} by {row.changed_by}"),
    ]


def _release(row: CampaignRow) -> str:
    """Whether somebody else stands behind what it is now."""
    if not row.needs_release:
        return "not asked"
    if row.released_by is None:
        return "not released"
    return row.released_by if row.is_released else f"changed since {row.released_by} released it"
