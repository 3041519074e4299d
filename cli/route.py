"""`outbox route …`: which providers may serve a channel, and what changed about that."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show, word
from outbox.calls import routes
from outbox.db import open_database
from outbox.rows_routes import BreakerChange, LaneChange, RouteRow
from outbox.settings import load
from outbox.terminal import echo

commands = typer.Typer(help="Say who may serve a channel; see who did, and why it changed.")
app.add_typer(commands, name="route")

Channel = Annotated[str, typer.Argument(help="A channel, or '*' for all.")]
Operator = Annotated[str | None, typer.Option(help="Only the lane to this operator.")]


@commands.command("list", epilog="Example: outbox route list --json")
def list_(as_json: AsJson = False) -> None:
    """Show every route: its policy, its providers in their order, and who serves its lanes now."""
    rows = run_async(_routes())
    if as_json:
        show(rows)
        return
    if not rows:
        echo("No routes: every lane stays where it was pointed.")
        return
    print_table(
        ["channel", "operator", "policy", "providers", ">lanes", "served by", ">pinned", ">held"],
        [
            (
                row.channel,
                row.operator or "(others)",
                row.policy,
                ", ".join(row.providers),
                row.lanes,
                ", ".join(row.serving),
                row.pinned,
                row.held,
            )
            for row in rows
        ],
    )


async def _routes() -> list[RouteRow]:
    async with open_database(load(), name="outbox route") as db:
        return await db.call(routes.list_routes)


@commands.command(
    "set", epilog="Example: outbox route set single main backup --policy ranked --operator mts"
)
def set_(
    channel: Channel,
    providers: Annotated[list[str], typer.Argument(help="Who may serve it, best first.")],
    policy: Annotated[str, typer.Option(help="ranked, cheapest or best_delivered.")] = "ranked",
    operator: Operator = None,
    as_json: AsJson = False,
) -> None:
    """Make or replace a route; its lanes follow at once, pinned ones when they are unpinned."""

    async def work() -> int:
        async with open_database(load(), name="outbox route") as db:
            return await db.call(
                routes.set_route,
                channel=channel,
                providers=providers,
                policy=policy,
                operator=operator,
            )

    changed = run_async(work())
    if as_json:
        show({"channel": channel, "operator": operator, "changed": changed})
    else:
        echo(f"{changed} routes changed")


@commands.command(epilog="Example: outbox route remove single --operator mts")
def remove(channel: Channel, operator: Operator = None, as_json: AsJson = False) -> None:
    """Remove a route; its lanes stay where they are, whatever becomes of their provider."""

    async def work() -> int:
        async with open_database(load(), name="outbox route") as db:
            return await db.call(routes.remove_route, channel=channel, operator=operator)

    removed = run_async(work())
    if as_json:
        show({"channel": channel, "operator": operator, "removed": removed})
    else:
        echo(f"{removed} routes removed")


@commands.command(epilog="Example: outbox route changes --since 12h")
def changes(
    since: Annotated[str, typer.Option(help="From then on: 12h ago, or a time.")] = "24h",
    as_json: AsJson = False,
) -> None:
    """Show how breakers and lanes moved, and why: what happened last night."""
    start = moment(since, "--since")

    async def work() -> tuple[list[BreakerChange], list[LaneChange]]:
        async with open_database(load(), name="outbox route") as db:
            breakers = await db.call(routes.breaker_changes, since=start)
            return breakers, await db.call(routes.lane_changes, since=start)

    breakers, lanes = run_async(work())
    if as_json:
        show({"since": start, "breakers": breakers, "lanes": lanes})
        return
    if not breakers and not lanes:
        echo(f"Nothing changed since {word(start)}.")
        return
    print_table(
        ["at", "provider", "was", "is", "cause", "figures"],
        [(b.at, b.provider, b.from_state, b.to_state, b.cause, b.figures) for b in breakers],
        title="Breakers",
    )
    echo()
    print_table(
        ["at", "lanes", "from", "to", "cause", "by", "detail"], _grouped(lanes), title="Lanes"
    )


def _grouped(lanes: list[LaneChange]) -> list[tuple[object, ...]]:
    """A line for the lanes that changed alike in the same second."""
    groups: dict[tuple[object, ...], list[LaneChange]] = {}
    for lane in lanes:
        second = lane.at.replace(microsecond=0)
        by = "itself" if lane.is_automatic else lane.done_by
        source, target = lane.from_provider or "(parked)", lane.to_provider or "(parked)"
        key = (second, source, target, lane.cause, by, lane.detail)
        groups.setdefault(key, []).append(lane)
    return [
        (key[0], f"{len(group)}: {', '.join(sorted({lane.channel for lane in group}))}", *key[1:])
        for key, group in groups.items()
    ]
