"""`outbox event …`: what happened, what rules made of it, what is planned."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, moment, print_table, run_async, show
from outbox.calls import events
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows_events import EventRow, EventStep, EventTypeRow, Fired, PlannedRow
from outbox.settings import load
from outbox.terminal import echo

commands = typer.Typer(help="Events of the ERP: what happened and what is sent then.")
app.add_typer(commands, name="event")
NAME = "outbox event"
Limit = Annotated[int, typer.Option(help="Most rows shown.", min=1, max=100_000)]


def parse_pairs(pairs: list[str], option: str) -> dict[str, Any]:
    """KEY=VALUE pairs; a value that is JSON is taken as such, anything else as text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageMistake(f"{option} {pair}: write NAME=VALUE.")
        try:
            found[key] = json.loads(value)
        except (ValueError, RecursionError):
            found[key] = value
    return found


@commands.command(
    epilog="Example: outbox event fire late 1041 --var amount=1500 --key invoice-7"
    " (without a client: outbox event fire lead --var phone=9071234567)"
)
def fire(
    event_type: Annotated[str, typer.Argument(metavar="TYPE", help="What happened.")],
    client: Annotated[int | None, typer.Argument(help="To which client of the ERP.")] = None,
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable; repeatable.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The same type, client and key: once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell that something happened, as the ERP does with sms.fire_event."""
    done = run_async(_fire(event_type, client, parse_pairs(var or [], "--var"), key))
    if as_json:
        show(_with_string_ids(done))
        return
    echo(f"event {done.event_id}: {_summary(done)}")


async def _fire(
    event_type: str, client: int | None, variables: dict[str, Any], key: str | None
) -> Fired:
    async with open_database(load(), name=NAME) as db:
        return await db.call(
            events.fire_event,
            event_type=event_type,
            client_id=client,
            variables=variables,
            event_key=key,
        )


def _with_string_ids(done: Fired) -> dict[str, object]:
    return {
        "event_id": done.event_id,
        "is_new": done.is_new,
        "message_ids": [str(id_) for id_ in done.message_ids],
        "planned": done.planned,
        "cancelled": done.cancelled,
        "note": done.note,
    }


def _summary(done: Fired) -> str:
    if not done.is_new:
        return done.note or "fired before"
    ids = f" ({', '.join(map(str, done.message_ids))})" if done.message_ids else ""
    count = len(done.message_ids)
    counts = f"{count} message{'' if count == 1 else 's'}{ids}, {done.planned} planned"
    taken = f", {done.cancelled} taken back" if done.cancelled else ""
    return f"{counts}{taken}" + (f"; {done.note}" if done.note else "")


@commands.command("list", epilog="Example: outbox event list --type late --client 1041 --since 7d")
def list_(
    event_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    client: Annotated[int | None, typer.Option(help="Only of this client.")] = None,
    since: Annotated[str, typer.Option(help="From then on.")] = "24h",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show the newest events and what came of them."""
    rows = run_async(_list(moment(since, "--since"), event_type, client, limit))
    if as_json:
        show(rows)
        return
    print_table(
        ["event", "at", "type", "client", "key", ">messages", ">planned", "note"],
        [
            (
                str(row.event_id),
                row.fired_at,
                row.event_type,
                _id(row.client_id),
                row.event_key,
                row.messages,
                row.planned,
                row.note,
            )
            for row in rows
        ],
    )


async def _list(
    since: Any, event_type: str | None, client: int | None, limit: int
) -> list[EventRow]:
    async with open_database(load(), name=NAME) as db:
        return await db.call(
            events.list_events, since=since, event_type=event_type, client_id=client, limit=limit
        )


@commands.command(epilog="Example: outbox event types --json")
def types(as_json: AsJson = False) -> None:
    """Show what may happen: every event type with its variables."""
    rows = run_async(_types())
    if as_json:
        show(rows)
        return
    print_table(
        ["type", "title", "variables", ">rules", ">planned"],
        [
            (
                row.event_type,
                row.title,
                ", ".join(f"{name} {kind}" for name, kind in row.variables.items()),
                row.rules,
                row.planned,
            )
            for row in rows
        ],
    )


async def _types() -> list[EventTypeRow]:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.list_event_types)


@commands.command(epilog="Example: outbox event planned --client 1041")
def planned(
    client: Annotated[int | None, typer.Option(help="Only to this client.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show what will be sent to whom and when, soonest first."""
    rows = run_async(_planned(client, limit))
    if as_json:
        show(rows)
        return
    print_table(
        ["due", "client", "type", "rule", "channel", "template", "event", "message"],
        [
            (
                row.due_at,
                _id(row.client_id),
                row.event_type,
                row.rule if row.is_enabled else f"{row.rule} (off)",
                row.channel,
                row.template,
                _id(row.event_id),
                _id(row.message_id),
            )
            for row in rows
        ],
    )


async def _planned(client: int | None, limit: int) -> list[PlannedRow]:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.list_planned, client_id=client, limit=limit)


@commands.command(epilog="Example: outbox event explain 912594494371659890")
def explain(
    event: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    as_json: AsJson = False,
) -> None:
    """Tell what every rule made of an event, what is planned, and what it took back."""
    if not event.isascii() or not event.isdigit() or not 0 < int(event) < 2**63:
        raise UsageMistake(f"{event!r} is no event id: that is a number of up to 19 digits.")
    steps = run_async(_explain(int(event)))
    if as_json:
        show(steps)
        return
    print_table(
        ["", "", "rule", "at", "message", "detail"],
        [
            (step.topic, step.verdict, step.rule, step.at, _id(step.message_id), step.detail)
            for step in steps
        ],
    )


async def _explain(event_id: int) -> list[EventStep]:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.explain_event, event_id=event_id)


def _id(value: int | None) -> str:
    """An id as it is, without thousands separators."""
    return "" if value is None else str(value)
