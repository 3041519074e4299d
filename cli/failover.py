"""`outbox provider health|breaker|unpin`: who is well, when one counts as ill, hands off again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.app import AsJson, print_table, run_async, show
from cli.provider import Channel, Operator, commands, parse_pairs
from outbox.calls import routes
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows_routes import HealthRow
from outbox.settings import load
from outbox.terminal import echo


@commands.command(epilog="Example: outbox provider health --json")
def health(as_json: AsJson = False) -> None:
    """Show how each provider is: its breaker, errors and answer times of the last seconds."""

    async def work() -> list[HealthRow]:
        async with open_database(load(), name="outbox provider") as db:
            return await db.call(routes.provider_health)

    rows = run_async(work())
    if as_json:
        show(rows)
        return
    columns = ["provider", "state", "since", ">errors", ">turned away", ">sent", ">p95 ms"]
    print_table([*columns, ">lanes", "why"], [_line(row) for row in rows])


def _line(row: HealthRow) -> tuple[object, ...]:
    lanes = str(row.lanes)
    if row.held or row.pinned:
        lanes += f" ({row.held} held, {row.pinned} pinned)"
    why = row.cause or ""
    if row.state == "open" and row.retry_at is not None:
        why += f", tried again at {row.retry_at.astimezone():%H:%M:%S}"
    return (
        row.provider,
        row.state if row.is_enabled else "disabled",
        row.since,
        f"{row.error_share:.0%}",
        f"{row.throttled_share:.0%}",
        row.sent,
        row.p95_ms,
        lanes,
        why,
    )


@commands.command(
    epilog="Example: outbox provider breaker main --set slow_answer='3 seconds' --set probes=10"
)
def breaker(
    provider: Annotated[str, typer.Argument(help="The account's name, or '*' for all.")] = "*",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting to change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or change when a provider counts as ill, and how it comes back."""
    change = parse_pairs(settings or [])

    async def work() -> tuple[int, dict[str, dict[str, Any]]]:
        async with open_database(load(), name="outbox provider") as db:
            changed = 0
            if change:
                changed = await db.call(routes.set_breaker, provider=provider, settings=change)
            return changed, await db.call(routes.breaker_policies)

    changed, policies = run_async(work())
    shown = {name: policies[name] for name in sorted(policies) if provider in ("*", name)}
    if not shown and provider != "*":
        raise UsageMistake(f'There is no provider "{provider}".')
    if as_json:
        show({"changed": changed, "policies": shown})
        return
    names = list(next(iter(shown.values()), {}))
    print_table(
        ["setting", *shown], [(name, *(row[name] for row in shown.values())) for name in names]
    )


@commands.command(epilog="Example: outbox provider unpin single    (all channels: '*')")
def unpin(channel: Channel, operator: Operator = None, as_json: AsJson = False) -> None:
    """Let routes decide again about lanes that were switched by hand."""

    async def work() -> int:
        async with open_database(load(), name="outbox provider") as db:
            return await db.call(routes.unpin_channel, channel=channel, operator=operator)

    lanes = run_async(work())
    if as_json:
        show({"channel": channel, "operator": operator, "lanes": lanes})
    else:
        echo(f"{lanes} lanes unpinned")
