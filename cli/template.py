"""`outbox template …`: texts with variables, version by version, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, print_table, run_async, show
from cli.texts import edited, given, json_object
from outbox.calls import templates
from outbox.db import open_database
from outbox.errors import NotFound, OutboxError
from outbox.rows_people import TemplateRow, TextFinding
from outbox.settings import load
from outbox.terminal import echo, echo_text

commands = typer.Typer(help="Texts with variables: write, preview, see their cost.")
app.add_typer(commands, name="template")

NAME = "outbox template"
Template = Annotated[str, typer.Argument(metavar="NAME", help="The template's name.")]
Body = Annotated[str | None, typer.Option(help="The text.")]
File = Annotated[Path | None, typer.Option(help="Read the text from this file.")]
Variables = Annotated[
    str | None,
    typer.Option(metavar="JSON", help='Declared: {"name": {"required": true, "sample": "Anna"}}.'),
]
Values = Annotated[str | None, typer.Option("--vars", metavar="JSON", help="Values to fill in.")]
Channel = Annotated[str, typer.Option(help="The channel whose prices are shown.")]


@commands.command("list", epilog="Example: outbox template list --json")
def list_(as_json: AsJson = False) -> None:
    """Show every template with its newest version."""
    rows = run_async(_call(templates.list_templates))
    if as_json:
        show(rows)
        return
    columns = ["template", ">version", "title", "variables", "text"]
    print_table(
        columns,
        [(r.template, r.version_no, r.title, ", ".join(r.variables or ()), r.body) for r in rows],
    )


@commands.command("show", epilog="Example: outbox template show due")
def show_(template: Template, as_json: AsJson = False) -> None:
    """Show a template with all its versions, the newest first."""
    rows = run_async(_versions(template))
    if as_json:
        show(rows)
        return
    print_table(
        [">version", "written", "by", "note", "text"],
        [(r.version_no, r.created_at, r.created_by, r.note, r.body) for r in rows],
        title=f"{template}: {rows[0].title}" if rows[0].title else template,
    )
    declared = rows[0].variables or {}
    if declared:
        print_table(
            ["variable", "required", "default", "sample", "meaning"],
            [
                (name, said.get("required"), said.get("default"), said.get("sample"),
                 said.get("meaning"))
                for name, said in declared.items()
            ],
        )  # fmt: skip


@commands.command(
    epilog="Example: outbox template edit due --body 'Pay {{sum}} by {{day|Friday}}'"
    " (without --body and --file your $EDITOR opens)"
)
def edit(
    template: Template,
    body: Body = None,
    file: File = None,
    variables: Variables = None,
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    note: Annotated[str, typer.Option(help="Why it changes.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a new version of a template, or a new template; messages keep the version they have."""
    declared = json_object(variables, "--variables")
    text = given(body, file, "--body")
    if text is None:
        text = edited(_current(run_async(_call(templates.template_versions, template=template))))
    version = run_async(
        _call(
            templates.save_template,
            template=template,
            body=text,
            variables=declared,
            title=title,
            note=note,
        )
    )
    if as_json:
        show({"template": template, "version": version})
    else:
        echo(f"{template}: version {version}")


@commands.command(epilog="Example: outbox template preview due --vars '{\"sum\": 1500}'")
def preview(
    template: Annotated[
        str, typer.Argument(metavar="NAME", help="A template; due@3 is its third version.")
    ],
    values: Values = None,
    channel: Channel = "planned",
    as_json: AsJson = False,
) -> None:
    """Fill a template with values or its samples: text, segments, price, cheaper spellings."""
    filled = json_object(values, "--vars")
    found = run_async(
        _call(templates.preview_template, template=template, values=filled, channel=channel)
    )
    _print_findings(found, as_json=as_json)


@commands.command(epilog="Example: outbox template check --file text.txt")
def check(
    template: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One template; without it all.")
    ] = None,
    body: Body = None,
    file: File = None,
    variables: Variables = None,
    channel: Channel = "planned",
    as_json: AsJson = False,
) -> None:
    """Check a text before it is saved, or saved templates with their samples."""
    text = given(body, file, "--body")
    if text is not None:
        found = run_async(
            _call(
                templates.preview_body,
                body=text,
                variables=json_object(variables, "--variables"),
                values=None,
                channel=channel,
            )
        )
        _print_findings(found, as_json=as_json)
        _refuse_problem(template or "the text", found)
        return
    checked = run_async(_check_saved(template, channel))
    if as_json:
        show([{"template": name, "findings": found} for name, found in checked])
    else:
        columns = ["template", "encoding", ">units", ">segments", "cheaper", ">segments"]
        print_table(columns, [_line(name, found) for name, found in checked])
    for name, found in checked:
        _refuse_problem(name, found)


async def _call(function: Any, **arguments: Any) -> Any:
    async with open_database(load(), name=NAME) as db:
        return await db.call(function, **arguments)


async def _versions(template: str) -> list[TemplateRow]:
    rows: list[TemplateRow] = await _call(templates.template_versions, template=template)
    if not rows:
        raise NotFound(f'There is no template "{template}"; outbox template list shows them.')
    return rows


async def _check_saved(template: str | None, channel: str) -> list[tuple[str, list[TextFinding]]]:
    async with open_database(load(), name=NAME) as db:
        names = [template] if template else [
            row.template for row in await db.call(templates.list_templates) if row.body is not None
        ]  # fmt: skip
        return [
            (name, await db.call(
                templates.preview_template, template=name, values=None, channel=channel
            ))
            for name in names
        ]  # fmt: skip


def _line(name: str, found: Sequence[TextFinding]) -> tuple[object, ...]:
    """One template in the table of all."""
    encodings = [f for f in found if f.topic == "encoding"]
    cheaper = [f for f in found if f.topic == "cheaper"]
    said = (
        (encodings[0].key, encodings[0].units, encodings[0].segments) if encodings else [None] * 3
    )
    best = (cheaper[-1].key, cheaper[-1].segments) if cheaper else (None, None)
    return (name, *said, *best)


def _refuse_problem(name: str, found: Sequence[TextFinding]) -> None:
    """End with an error where the text could not be sent."""
    for finding in found:
        if finding.topic == "problem":
            raise OutboxError(f"{name}: {finding.key}. {finding.text}")


def _print_findings(found: Sequence[TextFinding], *, as_json: bool) -> None:
    if as_json:
        show(found)
        return
    texts = [f for f in found if f.topic == "text"]
    for finding in texts:
        echo_text(f"{finding.text}\n")
    print_table(
        ["", "", "", ">units", ">segments", ">cost"],
        [(f.topic, f.key, f.text, f.units, f.segments, f.cost) for f in found if f.topic != "text"],
    )


def _current(rows: Sequence[TemplateRow]) -> str:
    return (rows[0].body or "") if rows else ""
