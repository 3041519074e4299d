"""S16: the in-process provider is the worker's choice, and its log is a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from outbox.db import is_on_this_machine
from outbox.receipts import ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import load
from providers.base import SettingsError
from providers.fake_log import open_log
from tests.support import factory
from tests.support.outbox_process import Programs
from tests.support.real_logins import login
from tests.support.waiting import eventually
from worker.roster import make_provider
from worker.terms import Terms

OURS = '{"id":"1","at":"2026-12-01T10:00:00+00:00"}\n'


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults are looked at here."""
    monkeypatch.delenv("OUTBOX_FAKE", raising=False)


def check(dsn: str | None, log: str | None = None, **changes: Any) -> None:
    """What a worker does with an account of the adapter before it opens it."""
    settings = load(dsn=dsn, **changes)
    row = ProviderRow(
        provider="main",
        adapter="fake",
        settings={} if log is None else {"log": log},
        secret_env=None,
        tps=1,
        max_batch=1,
        is_enabled=True,
        lanes=1,
    )

    async def nowhere(*_: object) -> None:
        """Keeps nothing."""

    made = make_provider(row, settings=settings, receipts=ReceiptBatcher(nowhere))
    Terms(settings).check("main", "fake", row.settings, made)


# --- whether it is served ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dsn", "is_near"),
    [
        ("postgresql://u@127.0.0.1:5432/outbox", True),
        ("postgresql://u@localhost/outbox", True),
        ("postgresql://u@[::1]/outbox", True),
        ("postgresql:///outbox", True),
        ("host=/var/run/postgresql dbname=outbox", True),
        ("postgresql://u@postgres/outbox", False),
        ("postgresql://u@127.0.0.1,db.example/outbox", False),
        ("host=localhost hostaddr=192.0.2.1 dbname=outbox", False),
        ("service=outbox", False),
        ("no dsn at all", False),
    ],
)
def test_which_databases_are_on_this_machine(
    dsn: str, is_near: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert is_on_this_machine(dsn) is is_near


def test_a_host_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert not is_on_this_machine("dbname=outbox")


def test_it_is_served_beside_its_database_or_where_a_setting_says_so() -> None:
    near, far = "postgresql://u@127.0.0.1/outbox", "postgresql://u@db.example/outbox"
    check(None)
    check(near)
    check(far, fake=True)
    for dsn, fake in ((far, None), (near, False), (None, False)):
        with pytest.raises(SettingsError, match="OUTBOX_FAKE=yes"):
            check(dsn, fake=fake)


async def test_a_worker_that_may_not_serve_it_leaves_the_messages_waiting(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    await factory.make_provider(conn, settings={"log": str(log), "receipt_delay_ms": 0})
    await factory.insert(conn, "outbox", channel="otp", phone="89070000001", body="x")
    with login(dsn, "sms_worker") as worker, Programs(tmp_path, dsn=worker) as programs:
        run = programs.start("worker", fake="no")
        await eventually(lambda: run.events("provider_unusable"))
    assert await factory.column(conn, "select state from sms.message") == ["pending"]
    assert not log.exists()


# --- its log -------------------------------------------------------------------------------------


def test_a_folder_may_be_set(tmp_path: Path) -> None:
    inside, outside = tmp_path / "logs", tmp_path / "etc"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    check(None, str(inside / "log"), fake_log_dir=str(inside))
    for log in (outside / "log", inside / ".." / "etc" / "log", inside / "link" / "log"):
        with pytest.raises(SettingsError, match="OUTBOX_FAKE_LOG_DIR"):
            check(None, str(log), fake_log_dir=str(inside))


def test_a_new_file_is_made_and_opened_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(3):  # empty, then with a line of ours; several workers share it
        file = open_log("main", str(log))
        os.write(file, OURS.encode())
        os.close(file)
    assert log.read_text() == 3 * OURS


@pytest.mark.parametrize(
    "foreign", ["root:x:0:0:\n", "{}\n", '{"id": 1}\n', "[]\n", "\n", '{"id":"1","at":"x"}', "\x00"]
)
def test_a_foreign_file_stays_as_it_is(tmp_path: Path, foreign: str) -> None:
    file = tmp_path / "passwd"
    file.write_text(foreign)
    with pytest.raises(SettingsError, match="something else"):
        open_log("main", str(file))
    assert file.read_text() == foreign


def test_no_link_pipe_device_or_folder_is_opened(tmp_path: Path) -> None:
    (tmp_path / "ours").write_text(OURS)
    (tmp_path / "link").symlink_to(tmp_path / "ours")
    (tmp_path / "dangling").symlink_to(tmp_path / "new")
    os.mkfifo(tmp_path / "pipe")
    os.link(tmp_path / "ours", tmp_path / "second_name")
    for name in ("link", "dangling", "pipe", "second_name", ".", "none/log"):
        with pytest.raises(SettingsError, match='setting "log"'):
            open_log("main", str(tmp_path / name))
    with pytest.raises(SettingsError, match='setting "log"'):
        open_log("main", "/dev/null")
    with pytest.raises(SettingsError, match='setting "log"'):
        open_log("main", "a\0b")
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "ours").read_text() == OURS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own a file for somebody else")
def test_a_file_of_somebody_else_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(OURS)
    os.chown(tmp_path / "log", 12345, 12345)
    with pytest.raises(SettingsError, match='setting "log"'):
        open_log("main", str(tmp_path / "log"))


async def test_an_operator_appends_to_no_file_of_the_worker(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / "authorized_keys"
    file.write_text("ssh-ed25519 AAAA somebody\n")
    await factory.make_provider(conn, settings={"log": str(file)})
    await factory.insert(conn, "outbox", channel="otp", phone="89070000001", body="x")
    with login(dsn, "sms_worker") as worker, Programs(tmp_path, dsn=worker) as programs:
        run = programs.start("worker")
        await eventually(lambda: run.events("provider_failed"))
    assert file.read_text() == "ssh-ed25519 AAAA somebody\n"
    assert await factory.column(conn, "select state from sms.message") == ["pending"]
