"""`outbox explain`: the story of one message, as people read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, message_id, run_async, show, word
from outbox import calls
from outbox.db import open_database
from outbox.errors import NotFound, Refused
from outbox.rows import Explained
from outbox.settings import load
from outbox.terminal import echo

HEADINGS = {
    "event": "What happened",
    "request": "What was asked",
    "rule": "",  # the line before the rules says as of when they were asked
    "now": "Where it is",
    "left the queue": "What was decided",
    "attempt": "Attempts",
    "receipt": "Receipts",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


@app.command(epilog="Example: outbox explain 912548437939978252")
def explain(
    message: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    as_json: AsJson = False,
) -> None:
    """Tell what every rule says about a message, and why, and what happened to it."""
    steps = run_async(_read(message_id(message)))
    if as_json:
        show(steps)
        return
    for line in story(steps):
        echo(line)


async def _read(message: int) -> list[Explained]:
    async with open_database(load(), name="outbox explain") as db:
        try:
            return await db.call(calls.explain, message_id=message)
        except Refused as error:
            if error.sqlstate == "SM008":
                raise NotFound(f"There is no message {message}.") from None
            raise


def story(steps: Sequence[Explained]) -> Iterator[str]:
    """The steps under headings; below each, indented, the facts behind it."""
    heading = None
    for step in steps:
        kind = "rule" if step.topic.startswith("rule ") else step.topic
        if kind == "rules":
            yield ""
            yield f"Rules, {step.detail}"
            continue
        if kind != heading and (text := HEADINGS.get(kind, kind)):
            yield from ("", text) if heading else (text,)
        heading = kind
        yield _headline(step)
        yield from _facts(step.facts or {}, indent=" " * 14)


def _headline(step: Explained) -> str:
    """`  suppress  blacklist  the detail`, with the time where the step has one of its own."""
    name = step.topic.removeprefix("rule ") if step.topic.startswith("rule ") else ""
    reason = f"({step.reason})" if step.reason and step.reason != name else ""
    at = word(step.at) if step.at and not name else ""
    parts = [name, reason, at, step.detail or ""]
    return f"  {step.verdict or '':10}  {'  '.join(part for part in parts if part)}".rstrip()


def _facts(facts: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    """Plain facts on one line, then each that has parts of its own."""
    if plain := _inline({name: value for name, value in facts.items() if not _has_parts(value)}):
        yield indent + plain
    for name, value in facts.items():
        match value:
            case [{}, *_] if name != "rule":
                yield f"{indent}{name.replace('_', ' ')}:"
                for part in value:
                    yield from _part(part, indent=indent)
            case {} if value and name != "rule":
                yield f"{indent}{name.replace('_', ' ')}: {_inline(value)}"
            case {} if value:
                yield indent + _version(value)


def _part(part: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    """One of several: a dash, its plain facts, and its own parts below."""
    inner = list(_facts(part, indent=indent + "    "))
    yield f"{indent}  - {inner[0].strip()}" if inner else f"{indent}  -"
    yield from inner[1:]


def _has_parts(value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return any(isinstance(part, dict) for part in parts)


def _inline(facts: Mapping[str, Any]) -> str:
    known = ((name, value) for name, value in facts.items() if value is not None)
    return ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in known)


def _version(rule: Mapping[str, Any]) -> str:
    """Which version of which rule row."""
    since, by = _word(rule["since"]), rule["changed_by"]
    return f"rule {rule['rule']}, version {rule['version']} since {since} by {by}"


def _word(value: Any) -> str:
    match value:
        case list():
            return ", ".join(_word(item) for item in value)
        case dict():
            return f"({_inline(value)})"
        case str() if _TIME.fullmatch(value):
            return word(datetime.fromisoformat(value))
        case int() if not isinstance(value, bool):
            return str(value)  # ids and numbers of phones as they are
        case _:
            return word(value)
