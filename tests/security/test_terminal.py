"""S15: nothing that data holds steers a terminal, whatever command shows it."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from cli import program
from cli.app import app
from outbox import logs, terminal
from outbox.cluster import ROOT
from tests.cli.test_commands import Outbox, Said
from tests.security.poison import POISON, furnish_poisoned

# What rich itself writes to a terminal: colours, the cursor shown or not, lines up, a line cleared.
OWN = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*A|2K)|\r")
LOOKS = [
    ["status", "--all", "--since", "7d"], ["top", "--count", "1"], ["report", "--since", "7d"],
    ["explain", "{blocked}"], ["explain", "{sent}"], ["explain", "{doubtful}"],
    ["explain", "{dirty}"],
    ["message", "{dirty}"], ["message", "{sent}"], ["message", "{doubtful}"],
    ["log", "--since", "7d"], ["dry-run", "select phone, phone as body from erp.client"],
    ["audience", "list"], ["audience", "show", "{audience}"],
    ["audience", "preview", "{audience}", "--phones"],
    ["template", "list"], ["template", "show", "{template}"], ["template", "preview", "{template}"],
    ["template", "check"], ["template", "check", "--body", "{poison}"],
    ["campaign", "list"], ["campaign", "show", "{campaign}", "--runs", "3"],
    ["campaign", "dry-run", "{campaign}"], ["campaign", "watch", "{campaign}", "--count", "1"],
    ["event", "types"], ["event", "list"], ["event", "planned"], ["event", "rules"],
    ["event", "explain", "{event}"],
    ["provider", "list"], ["provider", "health"], ["provider", "balance"], ["provider", "breaker"],
    ["route", "list"], ["route", "changes"],
    ["uncertain", "list"], ["receipts", "remap", "--since", "7d"], ["db", "url"],
]  # fmt: skip
# They change things; here only what they say of a name, a value or a file that is wrong.
ACTS = [
    ["cancel", "{waiting}"], ["cancel", "{poison}"], ["migrate"],
    ["audience", "save", "{poison}", "--query", "{poison}"], ["audience", "remove", "{poison}"],
    ["audience", "install-examples"], ["template", "edit", "{poison}", "--body", "{poison}"],
    ["campaign", "create", "{poison}", "--template", "{poison}"],
    *(["campaign", verb, "{poison}"] for verb in ("launch", "release", "pause", "resume", "stop")),
    ["event", "fire", "{poison}", "1", "--key", "{poison}"], ["event", "fire", "late", "{poison}"],
    ["event", "rule", "set", "{poison}", "--on", "{poison}"],
    ["event", "rule", "remove", "{poison}"], ["event", "type", "set", "{poison}", "a={poison}"],
    ["provider", "set", "{poison}"], ["provider", "set", "post", "--set", "{poison}"],
    ["provider", "switch", "{poison}", "{poison}"], ["provider", "park", "{poison}"],
    ["provider", "unpin", "{poison}"], ["provider", "breaker", "--set", "probes={poison}"],
    ["provider", "url", "{poison}"],
    ["db", "login", "{poison}", "--role", "{poison}", "--password-env", "{poison}"],
    ["route", "set", "{poison}", "{poison}"], ["route", "remove", "{poison}"],
    ["uncertain", "resolve", "resend", "{poison}"], ["uncertain", "list", "--provider", "{poison}"],
    *(["import", what, "{file}"] for what in
      ("numbering", "stations", "clients", "blacklist", "holidays", "tariffs")),
    *(["import", what, "{poison}"] for what in ("numbering", "clients")),
    ["{poison}"], ["--{poison}"], ["status", "--since", "{poison}"], ["explain", "{poison}"],
    ["template", "show", "{poison}"], ["audience", "preview", "{poison}"],
    ["audience", "save", "x", "--file", "{poison}"], ["report", "--month", "{poison}"],
    ["forecast"],
]  # fmt: skip
PROGRAMS = [["run"], ["worker"], ["dlr"]]  # they write logs, which have tests of their own
SHOWN = r"\x1b]0;PWNED\x1b\\\x1b[2J"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the program, as its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def obeyed(text: str) -> list[str]:
    """What a terminal would obey or not show in a text; line ends are ours."""
    return sorted({repr(c) for c in text if c != "\n" and unicodedata.category(c) in
                   {"Cc", "Cf", "Cs", "Zl", "Zp"}})  # fmt: skip


def test_the_poison_is_poison() -> None:
    assert len(obeyed(POISON)) >= 14


@pytest.fixture
async def known(dsn: str, conn: AsyncConnection, tmp_path: Path) -> dict[str, Any]:
    """What commands can be given on a poisoned database."""
    file = tmp_path / "bad\x1b[2J\u202e.csv"
    file.write_text(f"phone,client_id,{POISON.splitlines()[0]}\n{POISON}\n\x9b,\x1b[2J,x\n")
    return {**await furnish_poisoned(conn), "poison": POISON, "file": str(file)}


@pytest.fixture
def outbox(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, dsn: str) -> Outbox:
    monkeypatch.setenv("OUTBOX_DSN", dsn)
    return Outbox(capfd, monkeypatch)


def filled(words: list[str], known: dict[str, Any]) -> list[str]:
    found = []
    for word in words:
        for name, value in known.items():
            word = word.replace(f"{{{name}}}", str(value))
        found.append(word)
    return found


def test_every_command_is_tried() -> None:
    tried = {tuple(words[:n]) for words in [*LOOKS, *ACTS, *PROGRAMS] for n in (1, 2, 3)}
    assert not set(commands(typer.main.get_command(app))) - tried


@pytest.mark.timeout(400)
async def test_no_command_lets_data_through(outbox: Outbox, known: dict[str, Any]) -> None:
    """All on one database, for it takes a while to poison one."""
    silent = []
    for words in [*LOOKS, *ACTS]:
        said = await outbox(*filled(words, known))
        assert not obeyed(said.out + said.err), (words, said)
        assert "Traceback" not in said.err
        assert "forged: line" not in (said.out + said.err).splitlines(), words
        if words in LOOKS:
            assert said.code in {0, 1}, (words, said.err)
        if "\\x1b" not in said.out + said.err:
            silent.append(" ".join(words))
    # Nothing of these is a text that a stranger writes, or nothing takes the poison.
    assert len(silent) < 26, silent
    for words in (["explain", "{dirty}"], ["template", "list"], ["audience", "list"], ["log"],
                  ["campaign", "list"], ["route", "changes"], ["provider", "list"]):  # fmt: skip
        said = await outbox(*filled(words, known))
        assert "PWNED" in said.out, words
        assert "[link=http" in said.out.replace("\n", "").replace(" ", ""), words


@pytest.mark.timeout(400)
async def test_json_is_the_same_data_without_a_raw_sign(
    outbox: Outbox, known: dict[str, Any]
) -> None:
    found = ""
    for words in LOOKS:
        said: Said = await outbox(*filled(words, known), "--json")
        assert not obeyed(said.out + said.err), (words, said)
        if said.code == 0:
            json.loads(said.out)
            found += said.out
    assert json.dumps(POISON)[1:30] in found
    whole = await outbox("template", "list", "--json")
    assert any(row["body"].endswith(POISON) for row in whole.json), whole.out


PLAY = """
import json, sys
from cli import program
for words in json.loads(sys.argv[1]):
    program.run(words)
"""


@pytest.mark.timeout(400)
async def test_a_terminal_is_sent_only_our_own_codes(dsn: str, known: dict[str, Any]) -> None:
    """The same commands with a pseudo-terminal for all three streams, as an operator has."""
    played = [filled(words, known) for words in [*LOOKS, *ACTS] if words != ["migrate"]]
    shown = await asyncio.to_thread(on_a_terminal, PLAY, json.dumps(played), dsn)
    text = OWN.sub("", shown)
    assert SHOWN in text.replace("\n", "")
    assert not obeyed(text)
    assert "Traceback" not in text
    # A code of ours that stands inside the poison would have been cut out above.
    for code in ("\x1b]", "\x1b[2J", "\x1b\\", "\x9b", "\x9d"):
        assert code not in shown


def on_a_terminal(source: str, argument: str, dsn: str) -> str:
    """What a Python program writes to a terminal."""
    main, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", source, argument],
        stdin=its, stdout=its, stderr=its, cwd=ROOT, start_new_session=True,
        env={**os.environ, "OUTBOX_DSN": dsn, "TERM": "xterm-256color", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(its)
    found = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        found += piece
    os.close(main)
    process.wait()
    return found.decode()


# --- the place itself ---------------------------------------------------------------------------


@given(st.text())
def test_any_text_becomes_one_line_of_signs_that_are_seen(text: str) -> None:
    shown = terminal.one_line(text)
    assert not obeyed(shown)
    assert "\n" not in shown
    shown.encode()  # halves of a pair are spelled too
    assert terminal.one_line(shown) == shown


@given(st.recursive(st.none() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_json_without_a_raw_sign_is_the_same_value(value: Any) -> None:
    for indent in (None, 2):
        text = terminal.as_json(value, indent=indent)
        assert not obeyed(text)
        assert json.loads(text) == value


def test_what_people_write_stays_as_it_is() -> None:
    for text in (
        "Оплатите до 1.12, ещё 1 500 ₽ — спасибо «вам»!",
        "❤️ 📱 ę é ñ",
        "مرحبا שלום",
        "1\u00a0500",
    ):
        assert terminal.one_line(text) == text


def test_a_log_holds_no_raw_sign_either(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger().warning("odd", error=POISON, inner={POISON: [POISON]})
    logging.getLogger(POISON).warning("%s", POISON)
    line = capsys.readouterr().err
    assert not obeyed(line)
    assert [json.loads(one)["level"] for one in line.splitlines()] == ["warning", "warning"]
    assert json.loads(line.splitlines()[0])["error"] == POISON
    structlog.reset_defaults()


def test_an_argument_that_is_not_utf8_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    for argument in ("\udcff\udcfe", "a\x00b"):
        assert program.run(["audience", "show", argument]) == 2
        err = capfd.readouterr().err
        assert re.fullmatch(r"outbox: .+\.\n", err), err
        assert not obeyed(err)


# --- nobody prints past it ----------------------------------------------------------------------

PACKAGES = ("bench", "cli", "demo", "dlr", "geo", "imports", "kannel", "migrations", "outbox",
            "planning", "providers", "reports", "worker")  # fmt: skip
DOORS = {"outbox/terminal.py", "outbox/logs.py", "cli/screen.py"}
# Programs of our own that speak to the one that started them.
WIRES = {"bench/smsc_sink.py", "bench/peers.py"}
FORBIDDEN = {
    "print",
    "pprint",
    "Console",
    "Progress",
    "echo_via_pager",
    "secho",
    "rprint",
    "inspect",
}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}


def prints(path: Path) -> list[str]:
    """Calls in a file that write to a terminal without looking at what they write."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        fixed = all(isinstance(argument, ast.Constant) for argument in node.args)
        if name in FORBIDDEN and not (name == "print" and fixed):
            found.append(f"{path.name}:{node.lineno}: {name}")
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("write", "writelines"):
            owner = node.func.value
            if isinstance(owner, ast.Attribute) and owner.attr in {*STREAMS, "buffer"}:
                found.append(f"{path.name}:{node.lineno}: {owner.attr}.write")
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in {
            "typer.echo", "typer.secho", "click.echo", "rich.print", "traceback.print_exc",
        }:  # fmt: skip
            found.append(f"{path.name}:{node.lineno}: {ast.unparse(node.func)}")
    return found


def test_no_module_prints_but_through_the_console() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := prints(path)) and str(path.relative_to(ROOT)) not in DOORS | WIRES
    }
    assert not found


def test_no_markup_is_read_from_strings() -> None:
    """Markup in a string that also holds data is data's markup."""
    for package in ("cli", "demo"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "markup=True" not in text, path
            assert not re.search(r"\[/?(?:bold|link|red|green|cyan|dim)\b[^\]]*\]", text), path
