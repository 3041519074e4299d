"""S13: programs work with small logins, and say so where they could do anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from kannel.processes import free_ports
from outbox.cluster import ROOT, Cluster
from outbox.db import with_login
from outbox.errors import UsageMistake
from outbox.first_run import make_logins
from outbox.logins import DLR, WORKER, make_login
from outbox.settings import load
from tests.support import factory
from tests.support.outbox_process import Programs
from tests.support.real_logins import login
from tests.support.waiting import eventually

TOKEN = "a-token-for-the-tests"


async def test_everything_is_sent_and_heard_with_the_small_logins(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    await factory.set_quiet_hours(conn)
    await factory.make_provider(conn, settings={"receipt_delay_ms": 0})
    ids = [
        await factory.insert(conn, "outbox", phone=f"8{9070000000 + n}", body=f"text {n}")
        for n in range(3)
    ]
    with (
        login(dsn, "sms_worker") as worker,
        login(dsn, "sms_dlr") as dlr,
        Programs(tmp_path, dlr_token=TOKEN, dlr_port=port) as programs,
    ):
        heard = await programs.running("dlr", dsn=dlr)
        sent = await programs.running("worker", dsn=worker)
        states = "select state from sms.message where state <> 'delivered'"
        with psycopg.connect(dsn, autocommit=True) as owner:
            await eventually(lambda: not owner.execute(states).fetchall())
        for program in (heard, sent):
            assert program.events("login_may_do_anything") == []
            problems = [event for event in program.events() if event.get("level") == "error"]
            assert problems == []
    assert set(await factory.states(conn, *ids)) == {"delivered"}


async def test_a_program_that_could_do_anything_says_so(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    mighty: dict[str, Any] = {"dsn": dsn, "dlr_token": TOKEN, "dlr_port": port}
    put_on = f"{dsn}?options=-c%20role%3Dsms_worker"  # a role that can be taken off again
    with Programs(tmp_path) as programs:
        for command, variables in (
            ("worker", mighty),
            ("dlr", mighty),
            ("worker", {**mighty, "dsn": put_on}),
        ):
            program = programs.start(command, **variables)
            await eventually(lambda it=program: it.events("login_may_do_anything"))  # type: ignore[misc]
            [said] = program.events("login_may_do_anything")
            assert said["is_superuser"]
            assert said["login"] == conninfo_to_dict(dsn)["user"]
            program.terminate()
            await program.ended()


async def test_a_small_login_may_do_what_its_role_may(conn: AsyncConnection, dsn: str) -> None:
    with login(dsn, "sms_dlr") as dlr, psycopg.connect(dlr, autocommit=True) as reads:
        reads.execute("select * from sms.list_providers()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reads.execute("select body from sms.outbox")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reads.execute("set role sms_worker")


def test_no_administrator_becomes_a_small_login(dsn: str) -> None:
    owner = str(conninfo_to_dict(dsn)["user"])
    with psycopg.connect(dsn) as conn, pytest.raises(UsageMistake, match="administrator"):
        make_login(conn, owner, "sms_dlr", "x")


def command(dsn: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "OUTBOX_DSN": dsn, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_makes_a_login_and_changes_its_password(dsn: str) -> None:
    name = f"login_{os.getpid()}"
    made = ("db", "login", name, "--role", "sms_monitor", "--password-env", "A_PASSWORD")
    try:
        for password, done in (("first word", "created"), ("second word", "changed")):
            said = command(dsn, *made, A_PASSWORD=password)
            assert (said.returncode, said.stderr) == (0, "")
            assert said.stdout == f"{name}: {done}, a member of sms_monitor\n"
            assert password not in said.stdout
            with psycopg.connect(dsn, user=name, password=password) as conn:
                conn.execute("select * from sms.lane_status")
        with psycopg.connect(dsn) as owner:
            [kept] = owner.execute(
                "select rolpassword from pg_authid where rolname = %s", (name,)
            ).fetchone() or [""]
            assert kept.startswith("SCRAM-SHA-256$")
    finally:
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute(f"drop role if exists {name}".encode())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--role", "pg_write_all_data", "--password-env", "A_PASSWORD"), "--role"),
        (("--role", "sms_dlr", "--password-env", "NOT_SET_AT_ALL"), "--password-env"),
    ],
)
def test_a_wrong_login_is_one_sentence(dsn: str, arguments: tuple[str, ...], words: str) -> None:
    said = command(dsn, "db", "login", "somebody", *arguments, A_PASSWORD="x")
    assert said.returncode == 2
    assert words in said.stderr
    assert said.stderr.count("\n") == 1


def test_programs_of_the_private_cluster_use_the_small_logins(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = conninfo_to_dict(dsn)

    class Here(Cluster):
        """A cluster whose server is that of the tests."""

        @property
        def url(self) -> str:
            return dsn

    home = tmp_path / "pg"
    home.mkdir()
    (home / "port").write_text(str(where["port"]))
    here = Here(home=home)
    monkeypatch.setattr("outbox.cluster.private", lambda: here)
    assert with_login(load(), WORKER).dsn == dsn  # nobody has made it yet
    make_logins(here)
    make_logins(here)
    for name, role in ((WORKER, "sms_worker"), (DLR, "sms_dlr")):
        url = conninfo_to_dict(with_login(load(), name).dsn or "")
        assert url["user"] == name
        assert (home / f"password.{name}").stat().st_mode & 0o777 == 0o600
        with psycopg.connect(dsn, user=name, password=str(url["password"])) as conn:
            found = conn.execute(
                "select rolsuper, pg_has_role(rolname, %s, 'member') from pg_roles"
                " where rolname = session_user",
                (role,),
            ).fetchone()
            assert found == (False, True)
    assert (
        with_login(load(dsn="postgresql://elsewhere/x"), WORKER).dsn == "postgresql://elsewhere/x"
    )
    with psycopg.connect(dsn, autocommit=True) as owner:
        for name in (WORKER, DLR):
            owner.execute(f"drop role {name}".encode())


# --- compose.yaml --------------------------------------------------------------------------------


def services() -> dict[str, str]:
    """The text of each service of compose.yaml, anchors put in."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    anchors = dict(re.findall(r"^x-\w+: &(\w+)\n((?:  .*\n)+)", text, re.MULTILINE))
    body = text[text.index("\nservices:\n") : text.index("\nvolumes:\n")]
    for _ in range(2):  # an anchor may use another
        for name, given in anchors.items():
            body = body.replace(f"<<: *{name}\n", given)
    parts = re.split(r"^  (\w+):\n", body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_only_the_migration_is_the_owner() -> None:
    owners = {name for name, text in services().items() if "//outbox@postgres" in text}
    assert owners == {"migrate"}
    found = {
        name: set(re.findall(r"postgresql://(\w+)@", text)) for name, text in services().items()
    }
    assert found == {
        "postgres": set(),
        "migrate": {"outbox"},
        "worker": {"outbox_worker"},
        "dlr": {"outbox_dlr"},
        "operator": {"outbox_operator"},
    }


def test_whom_the_strangers_reach_knows_no_password_but_its_own() -> None:
    for name, text in services().items():
        passwords = set(re.findall(r"\b(\w+_PASSWORD)\b", text))
        match name:
            case "worker" | "dlr" | "operator":
                assert passwords == {f"{name.upper()}_PASSWORD"}, name
            case "postgres":
                assert passwords == {"POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", ["postgres", "migrate", "worker", "dlr", "operator"])
def test_every_service_is_confined(name: str) -> None:
    text = services()[name]
    for line in (
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "mem_limit:",
        "pids_limit:",
    ):
        assert line in text, line
    assert "privileged" not in text
    assert ("cap_add" in text) == (name == "postgres")
