"""`outbox event rules`, `event rule …`, `event type …`: what is sent when something happens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

import typer

from cli.app import AsJson, print_table, run_async, show
from cli.event import NAME, commands, parse_pairs
from outbox.calls import events
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows_events import EventRuleRow
from outbox.settings import load
from outbox.terminal import echo

rule_commands = typer.Typer(help="Rules: make, change, remove.")
type_commands = typer.Typer(help="Event types: declare, change.")
commands.add_typer(rule_commands, name="rule")
commands.add_typer(type_commands, name="type")

RuleName = Annotated[str, typer.Argument(metavar="NAME", help="The rule's name.")]
_LENGTH = re.compile(r"(\d+)(m|min|h|d|w)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NONE = "none"  # what takes a value away


@commands.command(epilog="Example: outbox event rules --type invoice")
def rules(
    event_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every rule: what is sent when, and what takes it back."""
    rows = run_async(_rules(event_type))
    if as_json:
        show(rows)
        return
    print_table(
        ["rule", "on", "sends", "channel", "when", "if", "cancelled by", "on/off", ">planned"],
        [
            (
                row.event_rule,
                row.event_type,
                row.template,
                row.channel,
                when(row),
                row.condition,
                ", ".join(row.cancelled_by)
                + (f" (same {row.cancel_key})" if row.cancel_key else ""),
                "on" if row.is_enabled else "off",
                row.planned,
            )
            for row in rows
        ],
    )


async def _rules(event_type: str | None) -> list[EventRuleRow]:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.list_event_rules, event_type=event_type)


def _cancelled_by(row: EventRuleRow) -> str:
    same = f" (same {row.cancel_key})" if row.cancel_key else ""
    return ", ".join(row.cancelled_by) + same


def when(row: EventRuleRow) -> str:
    """The moment of a rule in words: `3 d before due_date at 10:00 there`."""
    away = abs(row.shift)
    length = f"{away.days} d" if not away.seconds else str(away)
    if row.shift:
        side = "before" if row.shift < timedelta() else "after"
        text = f"{length} {side} {row.date_variable or 'it'}"
    else:
        text = f"on {row.date_variable}" if row.date_variable else "at once"
    at = f" at {row.at_local:%H:%M} there" if row.at_local else ""
    return text + at


@rule_commands.command(
    "set",
    epilog="Example: outbox event rule set due_reminder --on invoice --template due_soon"
    " --before due_date=3d --at 10:00 --cancelled-by payment --same invoice",
)
def set_(
    name: RuleName,
    on: Annotated[str | None, typer.Option(help="The event type.")] = None,
    template: Annotated[str | None, typer.Option(help="What is sent: NAME or NAME@3.")] = None,
    channel: Annotated[str | None, typer.Option(help="As what; a new rule: single.")] = None,
    condition: Annotated[
        str | None, typer.Option("--if", help="SQL/JSON path: '$.amount > 1000'; none: always.")
    ] = None,
    delay: Annotated[str | None, typer.Option(help="So long after the event: 2h, 3d.")] = None,
    before: Annotated[
        str | None, typer.Option(metavar="VARIABLE=3d", help="So long before a date variable.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="VARIABLE=1d", help="So long after a date variable.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="At that hour there; none: as it falls.")
    ] = None,
    if_past: Annotated[str | None, typer.Option(help="skip or send.")] = None,
    valid: Annotated[
        str | None, typer.Option(help="How long it is worth sending: 2d; none: the channel's.")
    ] = None,
    cancelled_by: Annotated[
        str | None, typer.Option(metavar="TYPE,…", help="Events that take it back; none: nothing.")
    ] = None,
    same: Annotated[
        str | None, typer.Option(metavar="VARIABLE", help="… with the same value of this.")
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a rule or change it; what is not named stays."""
    named = {
        "event_type": on,
        "template": template,
        "channel": channel,
        "condition": condition,
        "at_local": at,
        "if_past": if_past,
        "validity": valid if valid in (None, NONE) else _length(valid, "--valid"),
        "cancel_key": same,
        "is_enabled": enabled,
    }
    settings = {key: _value(value) for key, value in named.items() if value is not None}
    settings.update(_moment(delay, before, after))
    if cancelled_by is not None:
        settings["cancelled_by"] = [] if cancelled_by == NONE else cancelled_by.split(",")
        if cancelled_by == NONE:
            settings.setdefault("cancel_key", None)
    done = run_async(_set(name, settings))
    if as_json:
        show({"rule": name, "result": done})
    else:
        echo(f"{name}: {done}")


def _value(value: Any) -> Any:
    return None if value == NONE else value


def _moment(delay: str | None, before: str | None, after: str | None) -> dict[str, Any]:
    """The columns date_variable and shift; at most one of the three may be given."""
    given = [text for text in (delay, before, after) if text is not None]
    if len(given) > 1:
        raise UsageMistake("Give only one of --delay, --before and --after.")
    if not given:
        return {}
    if delay is not None:
        return {"date_variable": None, "shift": _length(delay, "--delay")}
    option, sign = ("--before", "-") if before is not None else ("--after", "")
    variable, equals, length = given[0].partition("=")
    if not equals or not variable:
        raise UsageMistake(f"{option} {given[0]}: write VARIABLE=3d.")
    return {"date_variable": variable, "shift": sign + _length(length, option)}


def _length(text: str, option: str) -> str:
    """`3d` as PostgreSQL's interval, so that days stay calendar days."""
    match = _LENGTH.fullmatch(text)
    if not match:
        raise UsageMistake(f"{option}: {text!r} is no length of time: write 30m, 2h, 3d or 1w.")
    return f"{match[1]} {_UNITS[match[2]]}"


async def _set(name: str, settings: dict[str, Any]) -> str:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.set_event_rule, rule=name, settings=settings)


@rule_commands.command(epilog="Example: outbox event rule remove due_reminder")
def remove(name: RuleName, as_json: AsJson = False) -> None:
    """Remove a rule; what it planned is dropped, messages that are made already stay."""
    dropped = run_async(_remove(name))
    if as_json:
        show({"rule": name, "planned": dropped})
    else:
        echo(f"{name}: removed, {dropped} planned messages dropped")


async def _remove(name: str) -> int:
    async with open_database(load(), name=NAME) as db:
        return await db.call(events.remove_event_rule, rule=name)


@type_commands.command(
    "set",
    epilog="Example: outbox event type set invoice --title 'Invoice issued'"
    " --var due_date=date --var amount=number --var 'name=text?'",
)
def set_type(
    name: Annotated[str, typer.Argument(metavar="TYPE", help="The name the ERP writes.")],
    title: Annotated[str | None, typer.Option(help="For people.")] = None,
    var: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=KIND", help="text, number, date, moment, boolean; ? = may be missing."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Declare an event type or change it; --var gives all its variables anew."""
    variables = None if var is None else parse_pairs(var, "--var")
    done = run_async(_set_type(name, title, variables))
    if as_json:
        show({"event_type": name, "result": done})
    else:
        echo(f"{name}: {done}")


async def _set_type(name: str, title: str | None, variables: dict[str, Any] | None) -> str:
    async with open_database(load(), name=NAME) as db:
        return await db.call(
            events.set_event_type, event_type=name, title=title, variables=variables
        )
