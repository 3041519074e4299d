"""`outbox audience …`: saved SELECTs of people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, print_table, run_async, show
from cli.texts import given
from outbox.calls import audiences
from outbox.cluster import ROOT
from outbox.db import open_database
from outbox.errors import NotFound, UsageMistake
from outbox.rows_people import AudienceFinding, AudienceRow
from outbox.settings import load
from outbox.terminal import echo, echo_text

commands = typer.Typer(help="Saved SELECTs of people: check, keep, preview.")
app.add_typer(commands, name="audience")

NAME = "outbox audience"
ANSWER_S = 900.0  # the setting audience_timeout_s ends it earlier
EXAMPLES = ROOT / "sql" / "audiences"
Audience = Annotated[str, typer.Argument(metavar="NAME", help="The audience's name.")]


@commands.command("list", epilog="Example: outbox audience list --json")
def list_(as_json: AsJson = False) -> None:
    """Show the audiences that can be used."""
    rows: list[AudienceRow] = run_async(_call(audiences.list_audiences))
    if as_json:
        show(rows)
        return
    print_table(
        ["audience", ">version", "title", "columns", ">planned cost", "changed", "by"],
        [
            (r.audience, r.version_no, r.title, ", ".join(r.columns), r.planned_cost, r.changed_at,
             r.changed_by)
            for r in rows
        ],
    )  # fmt: skip


@commands.command("show", epilog="Example: outbox audience show near-metro")
def show_(audience: Audience, as_json: AsJson = False) -> None:
    """Show an audience with its SELECT."""
    rows: list[AudienceRow] = run_async(_call(audiences.list_audiences))
    found = [row for row in rows if row.audience == audience]
    if not found:
        raise NotFound(f'There is no audience "{audience}"; outbox audience list shows them.')
    if as_json:
        show(found[0])
        return
    row = found[0]
    echo(f"-- {row.title or row.audience}: version {row.version_no} by {row.changed_by}")
    echo_text(row.query)


@commands.command(
    epilog='Example: outbox audience save moscow --query "select client_id, phone from erp.client'
    " where city = 'Москва'\""
)
def save(
    audience: Audience,
    file: Annotated[Path | None, typer.Option(help="Read the SELECT from this file.")] = None,
    query: Annotated[str | None, typer.Option(help="The SELECT: client_id, phone, …")] = None,
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a SELECT of client_id, phone and variables, and keep it under a name."""
    text = given(query, file, "--query")
    if text is None:
        raise UsageMistake("Give either --query or --file.")
    version = run_async(_call(audiences.save_audience, audience=audience, query=text, title=title))
    if as_json:
        show({"audience": audience, "version": version})
    else:
        echo(f"{audience}: version {version}")


@commands.command(epilog="Example: outbox audience preview near-metro --template due --limit 5")
def preview(
    audience: Audience,
    limit: Annotated[int, typer.Option(help="People in the sample.", min=0, max=1000)] = 10,
    template: Annotated[
        str | None, typer.Option(help="Count the segments of this template for each person.")
    ] = None,
    channel: Annotated[str, typer.Option(help="The channel it would go by.")] = "planned",
    phones: Annotated[
        bool, typer.Option("--phones", help="Show phones in full, where you may.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count an audience now: people, unusable phones, map extent, segments, a sample."""
    found = run_async(_preview(audience, limit, template, channel, phones=phones))
    if as_json:
        show(found)
        return
    _print(found)


@commands.command(epilog="Example: outbox audience remove near-metro")
def remove(audience: Audience, as_json: AsJson = False) -> None:
    """Take an audience out of use; its history stays."""
    run_async(_call(audiences.remove_audience, audience=audience))
    if as_json:
        show({"audience": audience, "removed": True})
    else:
        echo(f"{audience}: removed")


@commands.command("install-examples", epilog="Example: outbox audience install-examples")
def install_examples(as_json: AsJson = False) -> None:
    """Save the example audiences that ship, as a beginning for your own."""
    done = run_async(_install())
    if as_json:
        show(done)
        return
    print_table(["audience", ">version"], list(done.items()))


async def _call(function: Any, **arguments: Any) -> Any:
    async with open_database(load(), name=NAME) as db:
        return await db.call(function, **arguments)


async def _preview(
    audience: str, limit: int, template: str | None, channel: str, *, phones: bool
) -> list[AudienceFinding]:
    async with (
        open_database(load(), name=NAME) as db,
        db.connection(timeout_s=ANSWER_S) as conn,
    ):
        return await audiences.preview_audience(
            conn, audience=audience, limit=limit, template=template, channel=channel, phones=phones
        )


async def _install() -> dict[str, int]:
    """Save every example; tells the version of each."""
    async with open_database(load(), name=NAME) as db:
        return {
            path.stem: await db.call(
                audiences.save_audience,
                audience=path.stem,
                query=path.read_text(encoding="utf-8"),
                title=title_of(path),
            )
            for path in sorted(EXAMPLES.glob("*.sql"))
        }


def title_of(path: Path) -> str:
    """An example's first line is its title, as a comment."""
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("--").strip().rstrip(".")


def _print(found: Sequence[AudienceFinding]) -> None:
    samples = [finding.detail for finding in found if finding.topic == "sample"]
    print_table(
        ["", "", ">people", ">segments", ""],
        [(f.topic, f.key, f.people, f.segments, _facts(f)) for f in found if f.topic != "sample"],
    )
    if samples:
        echo()
        names = list(dict.fromkeys(name for sample in samples for name in sample["vars"]))
        print_table(
            ["client", "phone", "time zone", *names, "unusable"],
            [
                (s["client_id"], s["phone"], s["time_zone"],
                 *(s["vars"].get(name) for name in names), s["unusable"])
                for s in samples
            ],
            title="Sample",
        )  # fmt: skip


def _facts(finding: AudienceFinding) -> str:
    if finding.topic == "segments":
        return ""  # its key says them
    return ", ".join(f"{key} {value}" for key, value in finding.detail.items())
