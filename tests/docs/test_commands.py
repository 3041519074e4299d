"""Commands, make targets, settings and exit codes: those named exist, and none is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from cli import program  # registers every command
from cli.app import app
from outbox import errors
from outbox.settings import PREFIX, Settings
from tests.docs.pages import ROOT, blocks, code, pages, prose, tables

OPERATORS = ROOT / "docs" / "operators.md"


def _commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name)


def _known() -> set[tuple[str, ...]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return set(_commands(root))


def _code_lines(page: Path) -> Iterator[str]:
    """What a reader might type: lines of shell blocks, and code within sentences."""
    for block in blocks(page):
        if block.info in {"sh", "bash", "console"}:
            yield from block.body.replace("\\\n", " ").splitlines()
    yield from code(prose(page))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_named_commands_exist(page: Path) -> None:
    known = _known()
    groups = {words[:depth] for words in known for depth in range(1, len(words))}
    unknown = [
        line
        for line in _code_lines(page)
        for called in re.findall(
            r"^(?:\S*/)?outbox((?: [a-z][a-z-]*)+)", line.strip().split("#")[0]
        )
        for words in [tuple(called.split())]
        if not (any(words[:depth] in known for depth in (1, 2, 3)) or words in groups)
    ]
    assert unknown == []


def test_every_command_is_on_the_operators_page() -> None:
    written = {
        tuple(word for word in code(row[0])[0].split()[1:] if word.islower())
        for row in tables(OPERATORS, header="Command")
    }
    assert written == _known()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_named_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target
        for line in _code_lines(page)
        for target in re.findall(r"^make ([a-z-]+)", line.strip())
    }
    assert named <= targets


def test_every_setting_is_on_the_operators_page() -> None:
    written = {code(row[0])[0] for row in tables(OPERATORS, header="Variable")}
    assert written == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_exit_code_is_on_the_operators_page() -> None:
    written = {int(row[0]) for row in tables(OPERATORS, header="Exit code")}
    known = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.OutboxError)
    }
    assert written == known | {program.INTERRUPTED, program.UNFORESEEN}
