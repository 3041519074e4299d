"""Commands that look: status, message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.app import AsJson, app, message_id, moment, print_table, run_async, show, word
from outbox import calls
from outbox.calls import oddities
from outbox.db import Database, open_database
from outbox.errors import NotFound
from outbox.rows import LaneStatus, MessageRow, ProviderRow, StateCount
from outbox.rows_oddities import BusyNumber
from outbox.settings import load
from outbox.terminal import echo

COUNT_S = 10.0  # the check that nothing is lost reads every message; a huge history takes longer


@app.command(epilog="Example: outbox status --since 1h")
def status(
    since: Annotated[
        str, typer.Option(help="Count messages that left the queue since then.")
    ] = "24h",
    every_lane: Annotated[bool, typer.Option("--all", help="Show empty lanes too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the queue by lane, the providers, and what became of recent messages."""
    run_async(_status(moment(since, "--since"), every_lane=every_lane, as_json=as_json))


async def _status(since: datetime, *, every_lane: bool, as_json: bool) -> None:
    async with open_database(load(), name="outbox status") as db:
        lanes = await db.call(calls.queue_status)
        providers = await db.call(calls.list_providers)
        states = await db.call(calls.outcome_status, since=since)
        strangers = await db.call(oddities.count_foreign_receipts, since=since)
        busy = await db.call(oddities.list_busy_numbers)
        unaccounted = await _count_unaccounted(db)
    if as_json:
        lanes_shown = [lane for lane in lanes if every_lane or _is_busy(lane)]
        show(
            {
                "lanes": lanes_shown,
                "providers": [_without_settings(row) for row in providers],
                "since": since,
                "states": {count.state: count.messages for count in states},
                "uncertain": _count(states, "uncertain"),
                "oldest_due_s": _oldest(lanes),
                "unaccounted": unaccounted,
                "foreign_receipts": strangers,
                "busy_numbers": busy,
            }
        )
        return
    _print_lanes([lane for lane in lanes if every_lane or _is_busy(lane)])
    _print_providers(providers)
    title = f"Left the queue since {word(since)}"
    print_table(["state", ">messages"], [(c.state, c.messages) for c in states], title=title)
    _print_oddities(strangers, busy)
    echo()
    echo(f"unaccounted: {'not counted' if unaccounted is None else unaccounted}")


def _print_oddities(strangers: int, busy: Sequence[BusyNumber]) -> None:
    """What should not be; nothing where all is well."""
    if strangers:
        told = "delivery reports of accounts that never had the message: sms.foreign_receipts"
        echo()
        echo(f"{strangers} {told}")
    for held in busy:
        who = held.number or f"client {held.client_id}"
        echo()
        echo(
            f"{who} is busy since {word(held.since)}: session {held.pid} of {held.login} "
            f"holds its lock, and {held.messages} overdue messages wait"
        )


async def _count_unaccounted(db: Database) -> int | None:
    """Messages that are nowhere; None when counting takes too long."""
    try:
        async with asyncio.timeout(COUNT_S):
            return await db.call(calls.count_unaccounted)
    except TimeoutError:
        return None


def _print_lanes(lanes: Sequence[LaneStatus]) -> None:
    now = datetime.now(UTC)
    columns = ["channel", "operator", "provider", ">pending", ">due", ">in flight", ">oldest due"]
    rows: list[Sequence[object]] = [
        (
            lane.channel,
            lane.operator,
            lane.provider or "(parked)",
            lane.pending,
            lane.due,
            lane.inflight,
            None if lane.oldest_due_at is None else now - lane.oldest_due_at,
        )
        for lane in lanes
    ]
    if not rows:
        echo("Queue: empty")
        echo()
        return
    total = (sum(lane.pending for lane in lanes), sum(lane.due for lane in lanes))
    rows.append(("all", "", "", *total, sum(lane.inflight for lane in lanes), None))
    print_table(columns, rows, title="Queue")
    echo()


def _print_providers(providers: Sequence[ProviderRow]) -> None:
    columns = ["provider", "adapter", "enabled", "breaker", ">lanes", ">segments/s"]
    rows = [(p.provider, p.adapter, p.is_enabled, p.breaker, p.lanes, p.tps) for p in providers]
    print_table(columns, rows, title="Providers")
    echo()


def _is_busy(lane: LaneStatus) -> bool:
    return bool(lane.pending or lane.inflight)


def _oldest(lanes: Sequence[LaneStatus]) -> timedelta | None:
    due = [lane.oldest_due_at for lane in lanes if lane.oldest_due_at is not None]
    return datetime.now(UTC) - min(due) if due else None


def _count(states: Sequence[StateCount], state: str) -> int:
    return sum(count.messages for count in states if count.state == state)


def _without_settings(row: ProviderRow) -> dict[str, object]:
    return {
        "provider": row.provider,
        "adapter": row.adapter,
        "is_enabled": row.is_enabled,
        "breaker": row.breaker,
        "lanes": row.lanes,
        "tps": row.tps,
    }


@app.command(epilog="Example: outbox message 912548437939978252 --json")
def message(
    message: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    as_json: AsJson = False,
) -> None:
    """Show a message as the ERP sees it: its state, reason, provider, cost and times."""
    found = run_async(_read(message_id(message)))
    if as_json:
        show(found)
        return
    names = (name for name in MessageRow.__slots__ if getattr(found, name) is not None)
    print_table(["", ""], [(name, getattr(found, name)) for name in names])


async def _read(message: int) -> MessageRow:
    async with open_database(load(), name="outbox message") as db:
        found = await db.call(calls.read_message, message_id=message)
    if found is None:
        raise NotFound(f"There is no message {message}.")
    return found
