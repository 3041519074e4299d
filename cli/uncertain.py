"""`outbox uncertain …`: messages of which nobody can say whether the provider has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer
from rich.progress import Progress, TaskID

from cli.app import AsJson, app, duration, message_id, print_table, run_async, show
from cli.screen import progress_bar
from outbox import calls
from outbox.calls import doubts
from outbox.db import Database, open_database
from outbox.errors import NotFound, UsageMistake
from outbox.rows_asking import Doubts, UncertainCount, UncertainMessage
from outbox.settings import load
from outbox.terminal import echo, one_line

AT_ONCE = 1000  # messages decided in one transaction
SHOWN = 3  # wrong ids named in one sentence

commands = typer.Typer(help="Show and decide messages that the provider may or may not have.")
app.add_typer(commands, name="uncertain")

OfProvider = Annotated[str | None, typer.Option("--provider", help="Only this provider's.")]
OfChannel = Annotated[str | None, typer.Option("--channel", help="Only this channel's.")]
OlderThan = Annotated[
    str | None, typer.Option("--older-than", help="Only those uncertain for so long: 10m, 1h.")
]
Verdict = Literal["accepted", "resend", "give_up"]


@commands.command("list", epilog="Example: outbox uncertain list --provider smsc --older-than 1h")
def list_(
    provider: OfProvider = None,
    channel: OfChannel = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(help="Show at most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show uncertain messages, the oldest first, and how many there are. Numbers are masked."""
    messages, counts = run_async(_read(_meant(provider, channel, older_than), limit))
    total = sum(count.messages for count in counts)
    if as_json:
        show({"total": total, "counts": counts, "messages": messages})
        return
    if messages:
        _print(messages)
    for count in counts:
        echo(f"{count.messages:,} at {count.provider}, channel {count.channel}")
    left_out = f", {len(messages):,} shown" if len(messages) < total else ""
    echo(f"{total:,} uncertain{left_out}")


def _print(messages: list[UncertainMessage]) -> None:
    print_table(
        ["id", "provider", "channel", "number", "since", ">asked", "then", "detail"],
        [
            (
                str(message.id),
                message.provider,
                message.channel,
                message.number,
                message.since,
                message.asks,
                _plan(message),
                message.detail,
            )
            for message in messages
        ],
    )


def _plan(message: UncertainMessage) -> str:
    """What happens next by itself."""
    if message.policy_at is None:
        return "a person decides"
    return f"{message.on_uncertain} at {message.policy_at.astimezone():%Y-%m-%d %H:%M}"


async def _read(meant: Doubts, limit: int) -> tuple[list[UncertainMessage], list[UncertainCount]]:
    async with open_database(load(), name="outbox uncertain") as db:
        await _check_names(db, meant)
        messages = await db.call(doubts.list_uncertain, meant=meant, limit=limit)
        return messages, await db.call(doubts.count_uncertain, meant=meant)


@commands.command(
    epilog="Example: outbox uncertain resolve resend --provider smsc --older-than 1h --yes"
)
def resolve(
    verdict: Annotated[
        Verdict,
        typer.Argument(help="The provider has them, has them not, or it does not matter now."),
    ],
    messages: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of messages.")
    ] = None,
    provider: OfProvider = None,
    channel: OfChannel = None,
    older_than: OlderThan = None,
    note: Annotated[str | None, typer.Option(help="Kept with the decision.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide uncertain messages, by id or all that match. Who decided is kept in sms.activity."""
    meant = _meant(provider, channel, older_than)
    ids = [message_id(text) for text in messages or []]
    if bool(ids) != meant.is_all:
        raise UsageMistake(
            "Name messages by id, or say which with --provider, --channel, --older-than; not both."
        )
    if ids:
        done = run_async(_decide(ids, verdict, note))
    else:
        done = run_async(_decide_matching(meant, verdict, note, yes=yes))
    if as_json:
        show({"resolved": done, "verdict": verdict})
    else:
        echo(f"{done:,} resolved: {verdict}")


async def _decide(ids: list[int], verdict: Verdict, note: str | None) -> int:
    """Decide exactly these; one that is not uncertain stops all."""
    async with open_database(load(), name="outbox uncertain") as db:
        states = await db.call(doubts.states_of, ids=ids)
        wrong = [
            f"{id_} is {states[id_]}" if id_ in states else f"there is no message {id_}"
            for id_ in ids
            if states.get(id_) != "uncertain"
        ]
        if wrong:
            more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
            raise NotFound(f"Nothing was decided: {', '.join(wrong[:SHOWN])}{more}.")
        return await db.call(calls.resolve_uncertain, ids=ids, verdict=verdict, detail=note)


async def _decide_matching(meant: Doubts, verdict: Verdict, note: str | None, *, yes: bool) -> int:
    """Decide all that match, in batches."""
    async with open_database(load(), name="outbox uncertain") as db:
        await _check_names(db, meant)
        counts = await db.call(doubts.count_uncertain, meant=meant)
        total = sum(count.messages for count in counts)
        if total == 0:
            raise NotFound("No uncertain message matches.")
        if not yes:
            _confirm(f"{verdict}: {total:,} messages")
        done, last = 0, 0
        with _bar(total) as (progress, task):
            while ids := await db.call(
                doubts.uncertain_ids, meant=meant, after=last, limit=AT_ONCE
            ):
                done += await db.call(
                    calls.resolve_uncertain, ids=ids, verdict=verdict, detail=note
                )
                last = ids[-1]
                progress.update(task, completed=done)
        return done


def _confirm(what: str) -> None:
    """Ask on a terminal; elsewhere --yes must have been said."""
    if not sys.stdin.isatty():
        raise UsageMistake(f"{what}: say --yes to decide them.")
    typer.confirm(one_line(f"{what}. Decide them?"), abort=True, err=True)


@contextmanager
def _bar(total: int) -> Iterator[tuple[Progress, TaskID]]:
    """A bar on stderr, where that is a terminal."""
    with progress_bar() as progress:
        yield progress, progress.add_task("deciding", total=total)


def _meant(provider: str | None, channel: str | None, older_than: str | None) -> Doubts:
    age = None if older_than is None else duration(older_than, "--older-than")
    return Doubts(provider=provider, channel=channel, older_than=age)


async def _check_names(db: Database, meant: Doubts) -> None:
    """A mistyped name must not look like good news."""
    if meant.provider is not None:
        known = [row.provider for row in await db.call(calls.list_providers)]
        _check(meant.provider, known, "provider")
    if meant.channel is not None:
        _check(meant.channel, await db.call(doubts.channel_names), "channel")


def _check(name: str, known: list[str], kind: str) -> None:
    if name not in known:
        raise NotFound(f'There is no {kind} "{name}" (known: {", ".join(known) or "none"}).')
