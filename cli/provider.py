"""`outbox provider …`: accounts and who serves which channel."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, print_table, run_async, show
from outbox import calls
from outbox.db import Database, open_database
from outbox.errors import UsageMistake
from outbox.files import read_text
from outbox.rows import ProviderRow
from outbox.secret_names import problem
from outbox.settings import load, parse_duration
from outbox.terminal import echo
from providers.base import Context, Receipt
from providers.registry import build
from worker.terms import Terms

# As sms.provider checks it; here it gets a sentence.
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

commands = typer.Typer(help="Show and change provider accounts.")
app.add_typer(commands, name="provider")


@commands.command("list", epilog="Example: outbox provider list --json")
def list_(as_json: AsJson = False) -> None:
    """Show every account: its adapter, pace, lanes and settings (never secrets)."""
    rows = run_async(_rows())
    if as_json:
        show(rows)
        return
    print_table(
        [
            "provider",
            "adapter",
            "enabled",
            "breaker",
            ">lanes",
            ">segments/s",
            ">batch",
            "secret in",
            "settings",
        ],
        [
            (
                row.provider,
                row.adapter,
                row.is_enabled,
                row.breaker,
                row.lanes,
                row.tps,
                row.max_batch,
                row.secret_env,
                json.dumps(row.settings, ensure_ascii=False),
            )
            for row in rows
        ],
    )


async def _rows() -> list[ProviderRow]:
    async with open_database(load(), name="outbox provider") as db:
        return await db.call(calls.list_providers)


@commands.command(
    "set", epilog="Example: outbox provider set fake --adapter fake --set latency_ms=50 --tps 100"
)
def set_(
    provider: Annotated[str, typer.Argument(help="The account's name.")],
    adapter: Annotated[str | None, typer.Option(help="Its dialect: fake, kannel, …")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting; KEY=null removes it."),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON object with settings; --set goes on top of it."),
    ] = None,
    secret_env: Annotated[
        str | None, typer.Option(help="Name of the variable that holds its secret.")
    ] = None,
    tps: Annotated[
        float | None, typer.Option(help="Segments a second.", min=0.01, max=9_999_999)
    ] = None,
    max_batch: Annotated[
        int | None, typer.Option(help="Messages in one claim.", min=1, max=1000)
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable")] = None,
    as_json: AsJson = False,
) -> None:
    """Create or change an account; what is not named stays. Workers follow at once."""
    change = {
        "adapter": adapter,
        "settings": {**_read(settings_file), **parse_pairs(settings or [])} or None,
        "secret_env": secret_env,
        "tps": tps,
        "max_batch": max_batch,
        "is_enabled": enabled,
    }
    done = run_async(_set(provider, change))
    if as_json:
        show({"provider": provider, "result": done})
    else:
        echo(f"{provider}: {done}")


def parse_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE pairs; a value that is JSON is taken as such, anything else as a string."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageMistake(f"--set {pair}: write KEY=VALUE.")
        try:
            found[key] = json.loads(value, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    """NaN and Infinity: Python's JSON has them, PostgreSQL's has not, and no setting is one."""
    raise UsageMistake(f"{name} is no JSON number.")


def _read(file: Path | None) -> dict[str, Any]:
    """The settings in a file; none where no file is given."""
    if file is None:
        return {}
    try:
        found = json.loads(read_text(file), parse_constant=_refuse_constant)
    except OSError as error:
        raise UsageMistake(f"--settings-file {file}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageMistake(f"--settings-file {file}: {error}.") from None
    if not isinstance(found, dict):
        raise UsageMistake(f"--settings-file {file}: write one JSON object.")
    return found


async def _set(provider: str, change: dict[str, Any]) -> str:
    async with open_database(load(), name="outbox provider") as db:
        await _check(db, provider, change)
        return await db.call(calls.set_provider, provider=provider, **change)


async def _check(db: Database, provider: str, change: dict[str, Any]) -> None:
    """Let the adapter judge the settings before any worker meets them."""
    if not NAME.fullmatch(provider):
        raise UsageMistake(
            f"{provider!r} is no name for a provider: up to 40 small letters, digits and _."
        )
    settings = load()
    secret_env = change["secret_env"]
    if secret_env is not None and (wrong := problem(secret_env, settings.secret_names)):
        raise UsageMistake(f"--secret-env: {wrong}")
    rows = {row.provider: row for row in await db.call(calls.list_providers)}
    old = rows.get(provider)
    adapter = change["adapter"] or (old.adapter if old else None)
    if adapter is None:
        known = ", ".join(sorted(rows)) or "none"
        raise UsageMistake(
            f'There is no provider "{provider}" (known: {known}); give --adapter to create it.'
        )
    merged = {**(old.settings if old else {}), **(change["settings"] or {})}
    kept = {key: value for key, value in merged.items() if value is not None}
    terms = Terms(settings)
    made = build(
        provider=provider,
        adapter=adapter,
        settings=kept,
        secret=None,
        context=Context(sink=_nowhere, secret_of=partial(terms.secret_of, provider)),
    )
    terms.check(provider, adapter, kept, made)


async def _nowhere(receipts: Sequence[Receipt]) -> None:
    """A sink for an adapter that is only asked whether its settings are right."""


Channel = Annotated[str, typer.Argument(help="A channel, or '*' for all.")]
Operator = Annotated[str | None, typer.Option(help="Only the lane to this operator.")]


Reason = Annotated[str | None, typer.Option(help="Why; kept with the change.")]
Until = Annotated[
    str | None, typer.Option(help="When it ends by itself: 2h from now, or 2026-03-01T09:00.")
]


@commands.command(
    epilog="Example: outbox provider switch mass backup --reason 'main is down' --until 2h"
)
def switch(
    channel: Channel,
    provider: Annotated[str, typer.Argument(help="Who serves it from now on.")],
    operator: Operator = None,
    reason: Reason = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Re-point a channel's lanes ('*': all) to a provider and pin them; the queue follows at once.

    Lanes that follow a route stay pinned until the end, or: outbox provider unpin.
    """
    lanes = run_async(_switch(channel, provider, operator, reason=reason, until=until))
    if as_json:
        show({"channel": channel, "provider": provider, "lanes": lanes})
    else:
        known = "" if lanes else ": it serves them already"
        echo(f"{lanes} lanes re-pointed to {provider}{known}")


@commands.command(epilog="Example: outbox provider park planned --operator mts")
def park(
    channel: Channel,
    operator: Operator = None,
    reason: Reason = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Let a channel's messages wait: nobody serves its lanes until they are switched again."""
    lanes = run_async(_switch(channel, None, operator, reason=reason, until=until))
    if as_json:
        show({"channel": channel, "provider": None, "lanes": lanes})
    else:
        echo(f"{lanes} lanes parked")


async def _switch(
    channel: str,
    provider: str | None,
    operator: str | None,
    *,
    reason: str | None,
    until: str | None,
) -> int:
    end = None if until is None else _later(until)
    async with open_database(load(), name="outbox provider") as db:
        return await db.call(
            calls.switch_channel,
            channel=channel,
            provider=provider,
            operator=operator,
            reason=reason,
            until=end,
        )


def _later(text: str) -> datetime:
    """`2h` from now, or an ISO time; without a zone it is local."""
    try:
        return datetime.now(UTC) + parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # a year that no other zone has
        raise UsageMistake(f"--until: {text!r} is no time: write 2h or 2026-03-01T09:00.") from None
