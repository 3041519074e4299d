"""`outbox template …` and `outbox audience …`: what they print, and one sentence for mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.cli.test_commands import Outbox, is_one_sentence
from tests.support import factory

COMMANDS = [
    *(["template", name] for name in ("list", "show", "edit", "preview", "check")),
    *(["audience", name] for name in ("list", "show", "save", "preview", "remove")),
    ["audience", "install-examples"],
]


@pytest.fixture
async def outbox(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    dsn: str,
    conn: AsyncConnection,
) -> Outbox:
    """The commands on a database of the test's own with two clients."""
    monkeypatch.setenv("OUTBOX_DSN", dsn)
    monkeypatch.delenv("VISUAL", raising=False)
    await factory.make_provider(conn)
    await conn.execute(
        """
        insert into erp.local_client (client_id, phone, city)
        values (1, '89070000001', 'Москва'), (2, '89070000002', 'Казань')
        """
    )
    return Outbox(capfd, monkeypatch)


def script(folder: Path, text: str) -> str:
    """An editor for EDITOR: a program that is given the file's name."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"{path} --wait"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_help_with_an_example(outbox: Outbox, command: list[str]) -> None:
    said = await outbox(*command, "--help")
    assert said.code == 0
    assert f"outbox {command[0]} {command[1]}" in said.out.split("Example:")[1]


async def test_a_template_is_written_edited_and_shown(outbox: Outbox, tmp_path: Path) -> None:
    declared = '{"name": {"required": true, "sample": "Anna", "meaning": "first name"}}'
    body = tmp_path / "body.txt"
    body.write_text("Hi {{name}}\n", encoding="utf-8")
    said = await outbox(
        "template", "edit", "hi", "--file", body, "--variables", declared, "--title", "Hello"
    )
    assert (said.code, said.out) == (0, "hi: version 1\n")

    outbox.set(EDITOR=script(tmp_path, 'sed -i s/Hi/Dear/ "$2"'))
    said = await outbox("template", "edit", "hi", "--note", "politer", "--json")
    assert said.json == {"template": "hi", "version": 2}
    outbox.set(EDITOR="true")  # nothing changed, so nothing is written
    assert (await outbox("template", "edit", "hi")).out == "hi: version 2\n"

    shown = (await outbox("template", "show", "hi", "--json")).json
    assert [(v["version_no"], v["body"], v["note"]) for v in shown] == [
        (2, "Dear {{name}}", "politer"), (1, "Hi {{name}}", ""),
    ]  # fmt: skip
    assert "first name" in (await outbox("template", "show", "hi")).out
    listed = (await outbox("template", "list", "--json")).json
    assert [(t["template"], t["title"], t["version_no"]) for t in listed] == [("hi", "Hello", 2)]
    assert "Dear {{name}}" in (await outbox("template", "list")).out


async def test_a_template_is_previewed_with_values_or_samples(outbox: Outbox) -> None:
    await outbox("template", "edit", "hi", "--body", "Pay {{sum|0}} — «now»")
    said = await outbox("template", "preview", "hi", "--vars", '{"sum": 15}')
    assert said.code == 0
    assert said.out.startswith("Pay 15 — «now»\n")
    assert "left guillemet" in said.out
    found = (await outbox("template", "preview", "hi@1", "--json")).json
    assert {"topic": "encoding", "key": "ucs2"}.items() <= found[2].items()


async def test_texts_are_checked_before_and_after_they_are_saved(outbox: Outbox) -> None:
    assert (await outbox("template", "check")).code == 0
    await outbox("template", "edit", "cheap", "--body", "Pay")
    await outbox("template", "edit", "dear", "--body", "«Pay» " + "a" * 80)
    said = await outbox("template", "check", "--json")
    assert [one["template"] for one in said.json] == ["cheap", "dear"]
    table = (await outbox("template", "check")).out
    assert "typographic" in table
    said = await outbox("template", "check", "--body", "{{a}}", "--variables", '{"a": {}}')
    assert said.code == 0
    await outbox("template", "edit", "long", "--body", "{{a|" + "x" * 1001 + "}}")
    said = await outbox("template", "check", "long")
    assert said.code == 1
    assert "long: text_too_long" in said.err


async def test_an_audience_is_saved_listed_previewed_and_removed(
    outbox: Outbox, tmp_path: Path
) -> None:
    query = tmp_path / "moscow.sql"
    query.write_text("-- all\nselect client_id, phone, city from erp.client;\n", encoding="utf-8")
    said = await outbox("audience", "save", "all", "--file", query, "--title", "Everybody")
    assert (said.code, said.out) == (0, "all: version 1\n")
    said = await outbox(
        "audience", "save", "all", "--query", "select client_id, phone, city from erp.client",
        "--json",
    )  # fmt: skip
    assert said.json == {"audience": "all", "version": 2}

    [listed] = (await outbox("audience", "list", "--json")).json
    assert (listed["audience"], listed["title"], listed["columns"]) == (
        "all", "Everybody", ["client_id", "phone", "city"],
    )  # fmt: skip
    assert "Everybody" in (await outbox("audience", "list")).out
    shown = await outbox("audience", "show", "all")
    assert shown.out.splitlines()[1] == "select client_id, phone, city from erp.client"

    found = (await outbox("audience", "preview", "all", "--limit", "1", "--json")).json
    assert [one["topic"] for one in found] == ["total", "segments", "sample"]
    assert found[0]["people"] == 2
    assert found[2]["detail"]["phone"] == "7907***0001"
    said = await outbox("audience", "preview", "all")
    assert "7907***0002" in said.out
    assert "Казань" in said.out
    said = await outbox("audience", "preview", "all", "--phones")
    assert "89070000002" in said.out

    assert (await outbox("audience", "remove", "all")).out == "all: removed\n"
    assert (await outbox("audience", "list", "--json")).json == []


async def test_an_audience_is_previewed_with_a_template(outbox: Outbox) -> None:
    await outbox("template", "edit", "hi", "--body", "Привет, {{city}}: " + "я" * 55)
    query = "select client_id, phone, city from erp.client"
    await outbox("audience", "save", "all", "--query", query)
    found = (await outbox("audience", "preview", "all", "--template", "hi", "--json")).json
    assert (found[0]["people"], found[0]["segments"]) == (2, 4)


async def test_the_examples_are_saved_once(outbox: Outbox) -> None:
    first = (await outbox("audience", "install-examples", "--json")).json
    assert len(first) == 10
    assert set(first.values()) == {1}
    assert (await outbox("audience", "install-examples", "--json")).json == first
    for name in first:
        assert (await outbox("audience", "preview", name, "--json")).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["template", "show", "no"], 6, 'no template "no"'),
        (["template", "preview", "no"], 5, 'unknown template "no"'),
        (["template", "preview", "no", "--vars", "{"], 2, "--vars is not JSON"),
        (["template", "preview", "no", "--vars", "[]"], 2, "not a JSON object"),
        (["template", "edit", "a b", "--body", "x"], 5, "no name for a template"),
        (["template", "edit", "a", "--body", "{{x"], 5, "braces do not match"),
        (["template", "edit", "a", "--body", "x", "--file", "y"], 2, "either --body or --file"),
        (["template", "edit", "a", "--file", "/no/such/file"], 1, "/no/such/file"),
        (["template", "check", "--body", "x{{y}}", "--variables", "{}"], 5, "'y' is not declared"),
        (["template", "check", "no"], 5, 'unknown template "no"'),
        (["audience", "show", "no"], 6, 'no audience "no"'),
        (["audience", "preview", "no"], 5, "no audience 'no'"),
        (["audience", "remove", "no"], 5, "no audience 'no'"),
        (["audience", "save", "a"], 2, "either --query or --file"),
        (["audience", "save", "a", "--query", "delete from sms.outbox"], 5, "must be one SELECT"),
        (["audience", "save", "a", "--query", "select 1"], 5, "no column client_id"),
        (["audience", "preview", "a", "--limit", "-1"], 2, "--limit"),
    ],
)
async def test_mistakes_get_one_sentence(
    outbox: Outbox, arguments: list[str], code: int, words: str
) -> None:
    said = await outbox(*arguments)
    assert said.code == code
    assert is_one_sentence(said)
    assert words in said.err


async def test_an_editor_that_fails_saves_nothing(outbox: Outbox, tmp_path: Path) -> None:
    outbox.set(EDITOR="false")
    said = await outbox("template", "edit", "hi")
    assert (said.code, is_one_sentence(said)) == (1, True)
    outbox.set(EDITOR=str(tmp_path / "nothing"))
    said = await outbox("template", "edit", "hi")
    assert (said.code, is_one_sentence(said)) == (2, True)
    assert "set EDITOR" in said.err
    assert (await outbox("template", "list", "--json")).json == []


async def test_a_file_that_is_not_utf8_is_refused(outbox: Outbox, tmp_path: Path) -> None:
    path = tmp_path / "latin1"
    path.write_bytes("prêt".encode("latin-1"))
    for command in (["template", "edit", "a"], ["audience", "save", "a"]):
        said = await outbox(*command, "--file", path)
        assert (said.code, is_one_sentence(said)) == (2, True)
        assert "not UTF-8" in said.err


async def test_clients_come_with_their_phones(
    outbox: Outbox, conn: AsyncConnection, tmp_path: Path
) -> None:
    path = tmp_path / "clients.csv"
    path.write_text(
        "client_id,lat,lon,city,phone,time_zone,name\n"
        "7,55.75,37.62,Москва,8 907 000-00-07,Europe/Moscow,Анна\n"
        "8,,,Омск,89070000008,,\n",
        encoding="utf-8",
    )
    said = await outbox("import", "clients", path, "--json")
    assert {"kept": 2, "changed": 2, "bad": []}.items() <= said.json.items()
    assert await factory.rows(conn, "select * from erp.client where client_id > 6 order by 1") == [
        {"client_id": 7, "phone": "8 907 000-00-07", "city": "Москва",
         "time_zone": "Europe/Moscow", "attributes": {"name": "Анна"}},
        {"client_id": 8, "phone": "89070000008", "city": "Омск", "time_zone": None,
         "attributes": {}},
    ]  # fmt: skip
    assert json.loads(said.out)["kept"] == 2
