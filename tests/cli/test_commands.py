"""The command line: what it prints, and one sentence with an exit code for everything wrong."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from psycopg import AsyncConnection

from cli import program
from outbox.cluster import ROOT
from tests.support import factory

COMMANDS = [
    ["status"], ["top"], ["explain"], ["dry-run"], ["message"], ["cancel"], ["report"],
    ["uncertain", "list"], ["uncertain", "resolve"], ["provider", "balance"],
    ["receipts", "remap"],
    ["run"], ["worker"], ["dlr"], ["migrate"], ["db", "url"],
    ["provider", "list"], ["provider", "set"], ["provider", "switch"], ["provider", "park"],
    ["provider", "unpin"], ["provider", "health"], ["provider", "breaker"],
    ["route", "list"], ["route", "set"], ["route", "remove"], ["route", "changes"],
    ["import", "numbering"], ["import", "stations"], ["import", "clients"],
    ["import", "blacklist"], ["import", "holidays"], ["import", "tariffs"],
    ["forecast"],
]  # fmt: skip
WORKING = {"run", "worker", "dlr"}  # these handle signals, which only a main thread may
AWAY = "postgresql://nobody@127.0.0.1:1/none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


class Outbox:
    """Runs commands in this process; `environment` holds only what a test sets."""

    def __init__(self, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capfd = capfd
        self._patch = patch

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._patch.setenv(name, value)

    async def __call__(self, *arguments: str | Path) -> Said:
        words = [str(argument) for argument in arguments]
        if words and words[0] in WORKING and "--help" not in words:
            return await self._as_process(words)
        self._capfd.readouterr()
        # In a thread: a command has an event loop of its own.
        code = await asyncio.to_thread(program.run, words)
        out, err = self._capfd.readouterr()
        return Said(code=code, out=out, err=err)

    async def _as_process(self, words: list[str]) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *words,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return Said(code=process.returncode or 0, out=out.decode(), err=err.decode())


@pytest.fixture
def outbox(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setenv("OUTBOX_DSN", AWAY)
    return Outbox(capfd, monkeypatch)


@pytest.fixture
async def ready(outbox: Outbox, dsn: str, conn: AsyncConnection, tmp_path: Path) -> Outbox:
    """The commands on a database where `post` sends and no rule holds anything back."""
    outbox.set(OUTBOX_DSN=dsn)
    await factory.make_provider(conn, tps=100_000, settings={"log": str(tmp_path / "log")})
    await factory.set_quiet_hours(conn)
    return outbox


async def add(conn: AsyncConnection, count: int, **columns: Any) -> list[int]:
    requests = [
        {"phone": str(factory.number(n)), "not_before": None, **columns} for n in range(count)
    ]
    return await factory.insert_many(conn, requests)


def is_one_sentence(said: Said) -> bool:
    """One line on stderr that begins with the program's name and ends like a sentence."""
    lines = said.err.strip().splitlines()
    return len(lines) == 1 and bool(re.fullmatch(r"outbox: .+[.!?]", lines[0]))


async def test_a_misspelt_variable_is_told_and_the_command_goes_on(outbox: Outbox) -> None:
    outbox.set(OUTBOX_WORKER_NAMES="night")
    said = await outbox("db", "--help")
    assert said.code == 0
    assert said.err == (
        "outbox: OUTBOX_WORKER_NAMES is no setting; did you mean OUTBOX_WORKER_NAME?\n"
    )


async def test_ctrl_c_while_the_program_loads_is_one_sentence() -> None:
    """The signal is raised by the first of our own modules that is imported."""
    loading = """
        import signal, sys, cli
        class Impatient:
            def find_spec(self, name, *_):
                if name == "cli.app":
                    signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run may ignore it
        sys.meta_path.insert(0, Impatient())
        cli.main()
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", dedent(loading),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"outbox: interrupted.\n")


# --- wrong ways to call -------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_help_with_an_example(outbox: Outbox, command: list[str]) -> None:
    said = await outbox(*command, "--help")
    assert said.code == 0
    assert "Example:" in said.out
    assert "outbox " + command[0] in said.out.split("Example:")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing command"),
        (["nonsense"], 2, "nonsense"),
        (["status", "--nonsense"], 2, "--nonsense"),
        (["status", "--since", "yore"], 2, "--since: 'yore' is no time"),
        (["report", "--since", "1h", "--until", "2h"], 2, "not before"),
        (["report", "--since", "99999999d"], 2, "--since: '99999999d' is no time"),
        (["report", "--until", "0001-01-01T00:00+14:00"], 2, "is no time"),
        (["explain"], 2, "ID"),
        (["explain", "12x"], 2, "'12x' is no message id"),
        (["message", "99999999999999999999"], 2, "is no message id"),
        (["cancel", "-5"], 2, "-5"),
        (["uncertain", "resolve", "maybe", "5"], 2, "maybe"),
        (["top", "--every", "0"], 2, "--every"),
        (["run", "--drain", "--receipt-wait", "long"], 2, "--receipt-wait: 'long' is no duration"),
        (["run", "--drain", "--timeout", "1y"], 2, "--timeout"),
        (["run", "--timeout", "5m"], 2, "need --drain"),
        (["status", "--since", "9999-12-31T23:59-05:00"], 2, "is no time"),
        (["status", "--since", "99999999999d"], 2, "--since: '99999999999d' is no time"),
        (["provider"], 2, "Missing command"),
        (["provider", "switch", "otp", "post", "--until", "later"], 2, "--until: 'later'"),
        (["provider", "switch", "otp", "post", "--until", "9999999999d"], 2, "--until: '9999"),
        (["uncertain", "list", "--older-than", "9999999999d"], 2, "the longest is 36500d"),
        (["route", "changes", "--since", "9999999999d"], 2, "--since: '9999999999d' is no time"),
        (["route", "changes", "--since", "0001-01-01T00:00+05:00"], 2, "is no time"),
        (["provider", "set", "x", "--tps", "1e300"], 2, "--tps"),
        (["provider", "set", "x", "--adapter", "fake", "--set", "way_ms=NaN"], 2, "no JSON number"),
        (["provider", "breaker", "--set", "probes"], 2, "KEY=VALUE"),
        (["route", "set", "otp"], 2, "providers"),
        (["provider", "set", "x", "--tps", "fast"], 2, "--tps"),
        (["provider", "set", "x", "--tps", "1e8"], 2, "--tps"),
        (["provider", "switch", "otp", "post", "--until", "9999-12-31T23:59-05:00"], 2, "--until"),
        (["provider", "set", "x", "--adapter", "fake", "--set", "latency"], 2, "KEY=VALUE"),
        (["import", "numbering"], 2, "FILE"),
        (["dlr"], 2, "OUTBOX_DLR_TOKEN is not set"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_call_is_one_sentence(
    outbox: Outbox, arguments: list[str], code: int, words: str
) -> None:
    said = await outbox(*arguments)
    assert said.code == code, said
    assert is_one_sentence(said), said.err
    assert words in said.err


@pytest.mark.parametrize(
    "command",
    [
        ["status"], ["top", "--count", "1"], ["explain", "5"], ["message", "5"], ["cancel", "5"],
        ["uncertain", "resolve", "resend", "5"], ["uncertain", "list"], ["report"],
        ["run", "--drain"], ["worker"], ["migrate"],
        ["provider", "list"], ["provider", "set", "x"], ["provider", "switch", "*", "x"],
        ["import", "clients", "/dev/null"],
    ],
    ids=" ".join,
)  # fmt: skip
async def test_a_database_that_is_away_is_one_sentence(outbox: Outbox, command: list[str]) -> None:
    said = await outbox(*command)
    assert said.code == 3, said
    assert is_one_sentence(said), said.err
    assert "The database is away" in said.err


async def test_wrong_settings_are_named(outbox: Outbox) -> None:
    outbox.set(OUTBOX_LEASE_S="soon")
    said = await outbox("worker")
    assert (said.code, is_one_sentence(said)) == (2, True)
    assert "OUTBOX_LEASE_S" in said.err


async def test_a_database_that_was_never_migrated_says_so(
    outbox: Outbox, dsn: str, conn: AsyncConnection
) -> None:
    outbox.set(OUTBOX_DSN=dsn)
    await conn.execute("drop schema sms cascade")
    for command in (["status"], ["worker"], ["run", "--drain"]):
        said = await outbox(*command)
        assert (said.code, is_one_sentence(said)) == (4, True), said
        assert "outbox migrate." in said.err


async def test_an_unforeseen_error_is_a_sentence_too(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("cli.database.find_dsn", broken)
    said = await outbox("db", "url")
    assert (said.code, is_one_sentence(said)) == (70, True), said


async def test_ctrl_c_is_no_traceback(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.database.find_dsn", interrupted)
    said = await outbox("db", "url")
    assert said.code == 130
    assert "Traceback" not in said.err


def test_a_reader_that_has_seen_enough_is_no_error(dsn: str) -> None:
    done = subprocess.run(  # noqa: S602 - our own words
        f"{sys.executable} -m cli report --json | head -c 1",
        shell=True, cwd=ROOT, env={**os.environ, "OUTBOX_DSN": dsn}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


# --- the database -------------------------------------------------------------------------------


async def test_db_url_is_the_dsn(outbox: Outbox) -> None:
    assert (await outbox("db", "url")).out.strip() == AWAY
    assert (await outbox("db", "url", "--json")).json == {"url": AWAY}


async def test_migrating_again_changes_nothing(ready: Outbox) -> None:
    said = await ready("migrate", "--json")
    assert said.json["revision"]


# --- looking ------------------------------------------------------------------------------------


async def test_status_counts_lanes_states_and_what_is_lost(
    ready: Outbox, conn: AsyncConnection
) -> None:
    await add(conn, 3, channel="mass")
    await add(conn, 1, phone="nonsense")
    said = (await ready("status", "--json")).json
    assert [(lane["channel"], lane["due"]) for lane in said["lanes"]] == [("mass", 3)]
    assert said["states"] == {"suppressed": 1}
    assert said["unaccounted"] == said["uncertain"] == 0
    assert said["oldest_due_s"] > 0
    text = await ready("status")
    assert re.search(r"mass +other +post +3 +3 +0", text.out)
    assert "unaccounted: 0" in text.out
    assert len((await ready("status", "--all", "--json")).json["lanes"]) > 10


async def test_an_empty_queue_says_so(ready: Outbox) -> None:
    assert "Queue: empty" in (await ready("status")).out


async def test_explain_and_message_tell_the_story(ready: Outbox, conn: AsyncConnection) -> None:
    await conn.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'stop')", [factory.number(0)]
    )
    [id_] = await add(conn, 1)
    steps = (await ready("explain", str(id_), "--json")).json
    assert "rule blacklist" in [step["topic"] for step in steps]
    assert "blacklist" in (await ready("explain", str(id_))).out
    shown = (await ready("message", str(id_), "--json")).json
    assert (shown["id"], shown["state"]) == (str(id_), "pending")
    assert "pending" in (await ready("message", str(id_))).out


async def test_a_story_is_told_under_headings(ready: Outbox, conn: AsyncConnection) -> None:
    await conn.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'asked us')", [factory.number(0)]
    )
    [id_] = await add(conn, 1)
    await factory.claim(conn, as_of=None)
    told = (await ready("explain", str(id_))).out
    heads = ["What was asked", "Rules, asked as of", "What was decided"]
    assert [told.index(head) for head in heads] == sorted(told.index(head) for head in heads)
    assert re.search(r"suppress +blacklist +blacklist row \d+: asked us", told)
    assert re.search(r"- .*names the number, .*reason asked us", told)
    assert re.search(r"rule blacklist \d+, version \d+ since .* by ", told)
    assert re.search(r"suppressed +\(blacklist\)", told)


async def test_a_dry_run_foretells_a_launch(
    ready: Outbox, conn: AsyncConnection, tmp_path: Path
) -> None:
    await conn.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'stop')", [factory.number(0)]
    )
    file = tmp_path / "audience.sql"
    file.write_text("select 79070000000 + n as phone from generate_series(0, 2) as n;")
    found = (await ready("dry-run", "--file", file, "--body", "hello", "--json")).json
    kept = {(line["topic"], line["key"]): line["messages"] for line in found}
    assert kept["kept", None] == 2
    assert kept["suppressed", "blacklist"] == 1
    said = await ready("dry-run", "select '79070000001' as phone", "--body", "привет")
    assert re.search(r"encoding +ucs2 +1 +1", said.out)
    assert re.search(r"Ends \d{4}-.* if nothing else is sent\.", said.out)
    await add(conn, 3, campaign_id=7)
    assert re.search(r"total +3 +3", (await ready("dry-run", "--campaign", "7")).out)
    await conn.execute("update sms.lane set provider_id = null")
    said = await ready("dry-run", "--campaign", "7")
    assert re.search(r"cost +\(parked\) .*nobody sends it", said.out)
    assert "Never ends" in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Give a SELECT, --file or --campaign"),
        (["select 1", "--file", "x.sql"], 2, "either a SELECT or --file"),
        (["--file", "nowhere.sql"], 1, "nowhere.sql"),
        (["select 1", "--as-of", "soon"], 2, "--as-of: 'soon' is no time"),
        (["select 1 as mobile"], 5, "no column phone"),
        (["drop table x"], 5, "must be one SELECT"),
        (["select phone from nowhere"], 5, "cannot be run"),
        (["select '1' as phone", "--channel", "smoke"], 5, "smoke"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_dry_run_that_cannot_be_is_one_sentence(
    ready: Outbox, arguments: list[str], code: int, words: str
) -> None:
    said = await ready("dry-run", *arguments)
    assert said.code == code, said
    assert is_one_sentence(said), said.err
    assert words in said.err


@pytest.mark.parametrize("command", ["explain", "message", "cancel", "uncertain resolve give_up"])
async def test_a_message_that_is_not_there_is_one_sentence(ready: Outbox, command: str) -> None:
    said = await ready(*command.split(), "12345")
    assert said.code == 6
    assert is_one_sentence(said), said.err


async def test_top_shows_so_many_looks(ready: Outbox, conn: AsyncConnection) -> None:
    await add(conn, 4, channel="mass")
    said = await ready("top", "--count", "2", "--every", "0.1")
    assert said.out.count("due 4") == 2
    said = await ready("top", "--count", "2", "--every", "0.1", "--json")
    looks = [json.loads(line) for line in said.out.splitlines() if line]
    assert [look["pending"] for look in looks] == [4, 4]


# --- providers ----------------------------------------------------------------------------------


async def test_providers_are_made_changed_listed_and_switched(
    ready: Outbox, conn: AsyncConnection
) -> None:
    made = await ready("provider", "set", "second", "--adapter", "fake", "--set", "latency_ms=5")
    assert made.out.strip() == "second: created"
    again = await ready("provider", "set", "second", "--set", "latency_ms=5", "--json")
    assert again.json == {"provider": "second", "result": "unchanged"}
    await ready("provider", "set", "second", "--tps", "7", "--disable", "--set", "latency_ms=null")
    rows = {row["provider"]: row for row in (await ready("provider", "list", "--json")).json}
    assert rows["second"]["tps"] == 7
    assert rows["second"]["settings"] == {}
    assert not rows["second"]["is_enabled"]
    switched = await ready("provider", "switch", "mass", "second", "--json")
    assert switched.json["lanes"] > 1
    assert "1 lanes" in (await ready("provider", "park", "mass", "--operator", "mts")).out
    assert "second" in (await ready("provider", "list")).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "third"], "no provider"),
        (["set", "third", "--adapter", "pigeon"], "pigeon"),
        (["set", "post", "--set", "latency_msec=5"], "latency_msec"),
        (["set", "post", "--set", "latency_ms=slow"], "latency_ms"),
        (["set", "Post!", "--adapter", "fake"], "Post!"),
        (["set", "post", "--secret-env", "pass word"], "--secret-env"),
        (["set", "post", "--secret-env", ""], "--secret-env"),
        (
            ["set", "x", "--adapter", "smpp", "--set", "system_id=a", "--set", "addresses=foo"],
            "\"addresses\": 'foo' is not host:port",
        ),
        (
            ["set", "x", "--adapter", "fake", "--set", 'latency_ms="Infinity"'],
            'setting "latency_ms"',
        ),
        (["switch", "smoke", "post"], "smoke"),
        (["switch", "mass", "nobody"], "nobody"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_provider_is_one_sentence(
    ready: Outbox, arguments: list[str], words: str
) -> None:
    said = await ready("provider", *arguments)
    assert said.code != 0
    assert is_one_sentence(said), said.err
    assert words in said.err


async def test_settings_come_from_a_file_and_from_a_preset(ready: Outbox, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"preset": "sms_ru", "parallel": 2}', encoding="utf-8")
    made = await ready(
        *(
            "provider",
            "set",
            "third",
            "--adapter",
            "generic_http",
            "--secret-env",
            "OUTBOX_SECRET_SMS_RU",
        ),
        *("--settings-file", str(file), "--set", "parallel=3"),
    )
    assert made.out.strip() == "third: created", made.err
    rows = {row["provider"]: row for row in (await ready("provider", "list", "--json")).json}
    assert rows["third"]["settings"] == {"preset": "sms_ru", "parallel": 3}


@pytest.mark.parametrize("text", ["[]", "{", None])
async def test_a_wrong_settings_file_is_one_sentence(
    ready: Outbox, tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "settings.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    said = await ready("provider", "set", "post", "--settings-file", str(file))
    assert said.code != 0
    assert is_one_sentence(said), said.err
    assert "--settings-file" in said.err


# --- deciding -----------------------------------------------------------------------------------


async def test_waiting_messages_are_cancelled(ready: Outbox, conn: AsyncConnection) -> None:
    ids = await add(conn, 2)
    assert (await ready("cancel", *map(str, ids), "--json")).json == {"cancelled": 2}


async def test_uncertain_messages_are_resolved(ready: Outbox, conn: AsyncConnection) -> None:
    [id_] = await add(conn, 1)
    claimed = await factory.claim(conn, as_of=None)
    await factory.settle(conn, claimed.claim_id, claimed.ids, "uncertain")
    said = await ready("uncertain", "resolve", "give_up", str(id_), "--note", "asked them")
    assert said.out.strip() == "1 resolved: give_up"


# --- importing ----------------------------------------------------------------------------------


async def test_good_rows_are_kept_and_bad_ones_reported_by_line(
    ready: Outbox, conn: AsyncConnection, tmp_path: Path
) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("client_id,lat,lon\n1,55.7,37.6\n2,north,37.6\n3,55.8,37.5\n")
    said = await ready("import", "clients", file)
    assert said.code == 0, said.err
    assert "kept 2" in said.out
    assert "bad lines: 1" in said.out
    assert said.err.startswith("line 3: ")
    as_json = (await ready("import", "clients", file, "--json")).json
    assert as_json["kept"] == 2
    assert as_json["bad"][0]["line"] == 3


async def test_a_blacklist_is_imported_and_its_bad_lines_are_told(
    ready: Outbox, conn: AsyncConnection, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"phone;reason\n{factory.number(1)};court\n12;x\n{factory.number(1)};court\n")
    said = await ready("import", "blacklist", file)
    assert said.code == 0, said.err
    assert said.out == "blacklist: kept 1, changed 1, repeated 1, bad lines: 1\n"
    assert said.err == "line 3: the phone is no Russian mobile number (invalid_number)\n"
    again = (await ready("import", "blacklist", file, "--json")).json
    assert (again["kept"], again["changed"], again["repeated"]) == (1, 0, 1)
    assert await factory.value(conn, "select reason from sms.blacklist") == "court"


async def test_holidays_are_imported(ready: Outbox, conn: AsyncConnection, tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("day,kind,title\n2027-02-22,off,bridge\n2027-02-20,working,\n")
    said = await ready("import", "holidays", file)
    assert (said.code, said.err) == (0, "")
    assert said.out == "holidays: kept 2, changed 2, removed 0\n"
    assert (await ready("import", "holidays", file, "--json")).json["changed"] == 0
    kinds = "select kind from sms.holiday order by day"
    assert await factory.column(conn, kinds) == ["working", "off"]


async def test_tariffs_are_imported(ready: Outbox, conn: AsyncConnection, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("provider;price;valid_from\npost;2,50;2026-01-01\nnobody;1;\n")
    said = await ready("import", "tariffs", file)
    assert (said.code, said.out) == (0, "tariffs: kept 1, changed 1, ended 0, bad lines: 1\n")
    assert said.err == "line 3: there is no provider 'nobody'\n"
    assert (await ready("import", "tariffs", file, "--json")).json["changed"] == 0
    assert await factory.value(conn, "select price from sms.tariff") == 2.5


@pytest.mark.parametrize(
    "layer", ["numbering", "stations", "clients", "blacklist", "holidays", "tariffs"]
)
@pytest.mark.parametrize("text", [None, "", "nothing,of,use\n1,2,3\n"])
async def test_a_file_that_holds_nothing_of_use_is_one_sentence(
    ready: Outbox, tmp_path: Path, layer: str, text: str | None
) -> None:
    file = tmp_path / "layer.csv"
    if text is not None:
        file.write_text(text)
    said = await ready("import", layer, file)
    assert said.code == 7, said
    assert is_one_sentence(said), said.err


async def test_a_file_of_bad_rows_only_imports_nothing(ready: Outbox, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("client_id,lat,lon\n" + "x,y,z\n" * 30)
    said = await ready("import", "clients", file)
    assert said.code == 7
    lines = said.err.strip().splitlines()
    assert lines[-2] == "… and 10 more bad lines"
    assert lines[-1].startswith("outbox: ")


# --- working ------------------------------------------------------------------------------------


async def test_a_drain_sends_all_and_sums_up(
    ready: Outbox, conn: AsyncConnection, tmp_path: Path
) -> None:
    await conn.execute(
        "select sms.set_provider(%s, p_settings => '{\"receipt_delay_ms\": 50}')",
        [factory.PROVIDER],
    )
    await add(conn, 20, channel="mass")
    await add(conn, 1, phone="nonsense")
    summary = (await ready("run", "--drain", "--json")).json
    assert summary["states"] == {"delivered": 20}
    assert summary["waiting"] == 0
    await add(conn, 1, phone=str(factory.number(90)))
    text = await ready("run", "--drain", "--receipt-wait", "5s")
    assert text.code == 0
    assert "1 messages done" in text.out


async def test_a_drain_that_takes_too_long_fails(ready: Outbox, conn: AsyncConnection) -> None:
    await ready("provider", "set", factory.PROVIDER, "--tps", "0.5")
    await add(conn, 50, channel="mass")
    said = await asyncio.wait_for(ready("run", "--drain", "--timeout", "500ms"), 30)
    assert said.code == 8
    assert "Not done after 0.5 s" in said.err.splitlines()[-1]


async def test_a_report_adds_up(ready: Outbox, conn: AsyncConnection) -> None:
    await add(conn, 5, channel="mass")
    await add(conn, 1, phone="nonsense")
    await ready("run", "--drain", "--receipt-wait", "0s")
    said = (await ready("report", "--since", "1h", "--json")).json
    assert said["messages"] == 6
    lines = {(line["state"], line["reason"]): line for line in said["lines"]}
    assert lines[("accepted", None)]["messages"] == 5
    assert lines[("accepted", None)]["accept_p50"] > 0
    assert lines[("suppressed", "invalid_number")]["messages"] == 1
    assert re.search(r"all +6", (await ready("report")).out)


async def test_a_taken_port_is_one_sentence(ready: Outbox) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ready.set(OUTBOX_DLR_TOKEN="a" * 20, OUTBOX_DLR_PORT=str(port))
    for command in (["dlr"], ["run", "--drain"]):
        said = await ready(*command)
        assert said.code == 2, said
        assert "OUTBOX_DLR_PORT" in said.err.splitlines()[-1]
    server.close()
    await server.wait_closed()
