"""S5, S29: which secrets an account gets, and where they go, is the worker's word, not a row's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs

from cli.receipts import Accounts
from outbox.errors import SettingsMistake
from outbox.hosts import Hosts, check_entries
from outbox.receipts import ReceiptBatcher
from outbox.rows import ProviderRow
from outbox.settings import Settings, load
from providers.base import SettingsError
from providers.generic_http_settings import presets
from tests.support import factory
from tests.support.listener import Heard, listening
from tests.support.outbox_process import Programs
from tests.support.real_logins import login
from tests.support.waiting import eventually
from worker.roster import make_provider
from worker.terms import Terms, warn_of_clear_settings, warn_of_clear_text

ANSWERS = [{"when": "`true`", "means": "accepted"}]
SEND = {"headers": {"Authorization": "Bearer {secret}"}, "json": {"id": "{id}"}, "answers": ANSWERS}
SIGNED = {"format": "json", "code": "s", "id": "i", "signature": {"kind": "secret", "field": "k"}}
NEVER = [
    "OUTBOX_DSN",
    "OUTBOX_DLR_TOKEN",
    "OUTBOX_WEBHOOK_URL",
    "OUTBOX_SECRET_NAMES",
    "PGPASSWORD",
]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Somebody who would like to have a secret."""
    with listening() as heard:
        yield heard


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    with login(dsn, "sms_worker") as worker, Programs(tmp_path, dsn=worker) as programs:
        yield programs


def account(
    adapter: str, settings: dict[str, Any], secret_env: str | None = None, name: str = "leak"
) -> ProviderRow:
    return ProviderRow(
        provider=name,
        adapter=adapter,
        settings=settings,
        secret_env=secret_env,
        tps=1,
        max_batch=1,
        is_enabled=True,
        lanes=1,
    )


async def nowhere(*_: object) -> None:
    """Keeps nothing."""


def make(row: ProviderRow, settings: Settings) -> None:
    """What a worker does with a row before it opens it."""
    terms = Terms(settings)
    terms.require_secret(row)
    made = make_provider(row, settings=settings, receipts=ReceiptBatcher(nowhere))
    terms.check(row.provider, row.adapter, row.settings, made)


# --- saved ---------------------------------------------------------------------------------------

Save = Callable[[psycopg.Connection, str, dict[str, Any], str | None], object]


def by_function(
    conn: psycopg.Connection, adapter: str, settings: dict[str, Any], name: str | None
) -> None:
    conn.execute("select sms.set_provider('leak', %s, %s, %s)", (adapter, Jsonb(settings), name))


def by_insert(
    conn: psycopg.Connection, adapter: str, settings: dict[str, Any], name: str | None
) -> None:
    conn.execute(
        "insert into sms.provider (provider, adapter, settings, secret_env)"
        " values ('leak', %s, %s, %s)",
        (adapter, Jsonb(settings), name),
    )


def by_update(
    conn: psycopg.Connection, adapter: str, settings: dict[str, Any], name: str | None
) -> None:
    conn.execute(
        "update sms.provider set adapter = %s, settings = %s, secret_env = %s",
        (adapter, Jsonb(settings), name),
    )


@pytest.mark.parametrize("save", [by_function, by_insert, by_update])
@pytest.mark.parametrize("variable", NEVER)
async def test_no_operator_saves_a_name_that_is_the_programs_own(
    conn: AsyncConnection, dsn: str, save: Save, variable: str
) -> None:
    await factory.make_provider(conn, point_lanes=False)
    places: list[tuple[str, dict[str, Any], str | None]] = [
        ("generic_http", {"url": "http://127.0.0.1", "send": SEND}, variable),
        ("kannel", {"status_secret_env": variable}, None),
        ("smsc_ru", {"callback_secret_env": variable}, None),
        ("generic_http", {"receipts": {"signature": {"secret_env": variable}}}, None),
        ("another_package", {"second": {"secret_env": variable}}, None),
    ]
    with login(dsn, "sms_operator") as operator:
        for adapter, settings, secret_env in places:
            with pytest.raises(psycopg.Error) as refused, psycopg.connect(operator) as as_operator:
                save(as_operator, adapter, settings, secret_env)
            assert refused.value.sqlstate == "SM065"
            assert variable in str(refused.value)
    names = await factory.column(
        conn, "select coalesce(secret_env, '') || settings from sms.provider"
    )
    assert names == ["{}"]


async def test_names_that_may_hold_one_are_saved(conn: AsyncConnection, dsn: str) -> None:
    with login(dsn, "sms_operator") as operator, psycopg.connect(operator) as as_operator:
        by_function(as_operator, "kannel", {"status_secret_env": "OUTBOX_SECRET_B"}, "LISTED_THERE")
    assert await factory.column(conn, "select secret_env from sms.provider") == ["LISTED_THERE"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--adapter", "fake", "--secret-env", "HOME"), "HOME may hold no secret"),
        (("--adapter", "fake", "--secret-env", "OUTBOX_DSN"), "a setting of this program"),
        (("--adapter", "smsc_ru", "--set", "callback_secret_env=HOME"), "HOME may hold no secret"),
        (("--adapter", "smsc_ru", "--set", "url=https://evil.example"), "OUTBOX_ALLOWED_HOSTS"),
        (("--adapter", "smsc_ru", "--set", "password=hunter2"), '"password"'),
        (("--adapter", "smsc_ru", "--set", "url=https://bank:hunter2@smsc.ru"), '"url"'),
    ],
)
def test_the_command_line_refuses_it_in_one_sentence(
    dsn: str, arguments: tuple[str, ...], words: str
) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "cli", "provider", "set", "leak", *arguments],
        env={**os.environ, "OUTBOX_DSN": dsn},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode != 0
    assert words in said.stderr
    assert said.stderr.count("\n") == 1
    assert "hunter2" not in said.stderr
    with psycopg.connect(dsn) as owner:
        assert owner.execute("select from sms.provider").fetchall() == []


# --- in the worker -------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["OUTBOX_DSN", "HOME", "ANOTHERS_KEY"])
async def test_the_receiver_gets_no_variable_of_the_worker(
    conn: AsyncConnection,
    programs: Programs,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    if not variable.startswith("OUTBOX_"):
        monkeypatch.setenv(variable, "precious")
    # However the row came there: a dump of an older version is put back without triggers.
    await conn.execute("alter table sms.provider disable trigger refuse_unfit_provider")
    await factory.set_quiet_hours(conn)
    await factory.make_provider(
        conn,
        "leak",
        adapter="generic_http",
        settings={"url": heard.url, "send": SEND},
        secret_env=variable,
    )
    await factory.insert(conn, "outbox", phone="89070000001", body="x")
    worker = programs.start(
        "worker", dlr_token="a-token-for-the-tests", webhook_url="http://127.0.0.1:9/x"
    )
    await eventually(lambda: worker.events("provider_unusable"))
    assert variable in worker.events("provider_unusable")[0]["error"]
    assert heard.requests == []
    assert "precious" not in worker.log.read_text()


async def test_a_listed_name_and_one_with_the_prefix_are_handed_over(
    conn: AsyncConnection, programs: Programs, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOTHERS_KEY", "listed")
    monkeypatch.setenv("OUTBOX_SECRET_KEY", "prefixed")
    await factory.set_quiet_hours(conn)
    settings = {"url": heard.url, "send": SEND}
    for name, variable in (("a", "ANOTHERS_KEY"), ("b", "OUTBOX_SECRET_KEY")):
        await factory.make_provider(
            conn, name, adapter="generic_http", settings=settings, secret_env=variable
        )
    await conn.execute("select sms.switch_channel('otp', 'a')")
    for channel, phone in (("otp", "89070000001"), ("single", "89070000002")):
        await factory.insert(conn, "outbox", channel=channel, phone=phone, body="x")
    programs.start("worker", secret_names="FURTHER_KEY, ANOTHERS_KEY")
    await eventually(lambda: len(heard.requests) == 2)
    assert {one["Authorization"] for one in heard.requests} == {"Bearer listed", "Bearer prefixed"}


@pytest.mark.parametrize(
    ("adapter", "settings"),
    [
        ("kannel", {"url": "http://127.0.0.1", "username": "u", "status_secret_env": "HOME"}),
        ("smsc_ru", {"callback_secret_env": "HOME"}),
        (
            "generic_http",
            {
                "url": "http://127.0.0.1",
                "send": SEND,
                "receipts": {**SIGNED, "signature": {**SIGNED["signature"], "secret_env": "HOME"}},  # type: ignore[dict-item]
            },
        ),
    ],
)
def test_a_second_secret_is_bounded_like_the_first(adapter: str, settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="HOME may hold no secret"):
        make(account(adapter, settings), load())
    make(account(adapter, settings), load(secret_names="HOME"))


def test_the_receipt_server_reads_no_callback_with_such_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "known-to-all")
    receipts = {**SIGNED, "signature": {"kind": "secret", "field": "k", "secret_env": "HOME"}}
    settings = {"url": "http://127.0.0.1", "send": SEND}
    accounts = Accounts(load(dlr_token="t"), ReceiptBatcher(nowhere))
    accounts.follow([account("generic_http", settings)])
    assert accounts.by_path
    accounts.follow([account("generic_http", {**settings, "receipts": receipts})])
    assert accounts.by_path == {}


@pytest.mark.parametrize("given", ["OUTBOX_DSN", "PGPASSWORD", "OUTBOX_SECRET_NAMES", "small"])
def test_what_never_is_a_secret_cannot_be_listed(given: str) -> None:
    with pytest.raises(SettingsMistake, match=given):
        load(secret_names=given)


# --- hosts ---------------------------------------------------------------------------------------

ELSEWHERE = [
    ("kannel", {"url": "http://kannel:13013/x", "username": "u"}),
    (
        "kannel",
        {"url": "http://127.0.0.1/x", "username": "u", "admin_url": "http://kannel:13000"},
    ),
    ("smsc_ru", {"url": "https://smsc.example"}),
    ("smsc_ru", {"backup_url": "https://smsc.example"}),
    ("smpp", {"addresses": ["127.0.0.1:2775", "smsc.example:2775"], "system_id": "x"}),
    ("generic_http", {"url": "https://evil.example", "send": SEND}),
    ("generic_http", {"url": "http://169.254.169.254", "send": SEND}),
    ("generic_http", {"url": "http://2852039166", "send": SEND}),
    ("generic_http", {"preset": "sms_ru", "url": "https://sms.ru.evil.example"}),
]


@pytest.mark.parametrize(("adapter", "settings"), ELSEWHERE)
def test_no_account_goes_where_the_worker_may_not(adapter: str, settings: dict[str, Any]) -> None:
    row = account(adapter, settings)
    with pytest.raises(SettingsError, match="OUTBOX_ALLOWED_HOSTS"):
        make(row, load())
    make(row, load(allowed_hosts="*"))


@pytest.mark.parametrize("preset", presets())
def test_the_services_that_come_along_are_known(preset: str) -> None:
    row = account("generic_http", {"preset": preset, "username": "u"})
    make(row, load())
    with pytest.raises(SettingsError, match="OUTBOX_ALLOWED_HOSTS"):
        make(row, load(allowed_hosts="loopback"))


def test_an_adapter_that_names_no_hosts_is_judged_by_its_urls() -> None:
    class Stranger:
        """An adapter of another package."""

    terms = Terms(load())
    settings = {"deep": [{"where": "https://evil.example/x"}], "said": "no url"}
    with pytest.raises(SettingsError, match=r"evil\.example:443"):
        terms.check("main", "stranger", settings, Stranger())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://user:word@sms.ru", "send": SEND},
        {"url": "https://sms.ru", "send": {**SEND, "path": "@evil.example/"}},
        {"url": "https://sms.ru", "send": {**SEND, "path": ".evil.example/"}},
        {"url": "https://sms.ru", "send": {**SEND, "path": "{username}/x"}, "username": "@evil"},
    ],
)
def test_no_setting_moves_a_request_to_another_host(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        make(account("generic_http", wrong), load(allowed_hosts="*"))


async def test_nobody_hears_of_an_account_outside_the_list(
    conn: AsyncConnection, programs: Programs, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_KEY", "precious")
    await factory.make_provider(
        conn,
        "leak",
        adapter="generic_http",
        settings={"url": heard.url, "send": SEND},
        secret_env="OUTBOX_SECRET_KEY",
    )
    await factory.insert(conn, "outbox", channel="otp", phone="89070000001", body="x")
    worker = programs.start("worker", allowed_hosts="known")
    await eventually(lambda: worker.events("provider_unusable"))
    assert "OUTBOX_ALLOWED_HOSTS" in worker.events("provider_unusable")[0]["error"]
    assert heard.requests == []
    assert await factory.column(conn, "select state from sms.message") == ["pending"]


async def test_a_redirect_is_not_followed(
    conn: AsyncConnection, programs: Programs, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_KEY", "precious")
    with listening() as other:
        heard.answer = (307, {"Location": other.url})
        await factory.make_provider(
            conn,
            "main",
            adapter="generic_http",
            settings={"url": heard.url, "send": SEND},
            secret_env="OUTBOX_SECRET_KEY",
        )
        await factory.insert(conn, "outbox", channel="otp", phone="89070000001", body="x")
        worker = programs.start("worker", webhook_url=heard.url)
        await eventually(lambda: worker.events("webhook_failed") and len(heard.requests) >= 2)
        assert other.requests == []


@pytest.mark.parametrize(
    ("entries", "host", "port", "allowed"),
    [
        (("known",), "SMS.RU", 443, True),
        (("known",), "sms.ru.", 443, True),
        (("known",), "sms.ru.evil.example", 443, False),
        (("known",), "127.0.0.1", 80, False),
        (("loopback",), "127.0.0.1", 80, True),
        (("loopback",), "::1", 80, True),
        (("loopback",), "::ffff:127.0.0.1", 80, True),
        (("loopback",), "localhost", 80, True),
        (("loopback",), "localhost.evil.example", 80, False),
        (("loopback",), "evil.localhost", 80, False),
        (("loopback",), "0.0.0.0", 80, False),
        (("smsc.example:2775",), "smsc.example", 2775, True),
        (("smsc.example:2775",), "smsc.example", 443, False),
        (("*.example.org",), "a.b.example.org", 443, True),
        (("*.example.org",), "example.org", 443, False),
        (("*.example.org",), "evilexample.org", 443, False),
        (("10.20.0.0/16",), "10.20.1.2", 443, True),
        (("10.20.0.0/16",), "::ffff:10.20.1.2", 443, True),
        (("10.20.0.0/16",), "10.21.1.2", 443, False),
        (("10.20.0.0/16",), "name-that-resolves-there.example", 443, False),
        (("[fd00::1]:2775",), "fd00:0:0::1", 2775, True),
        (("[fd00::1]:2775",), "fd00::2", 2775, False),
        (("пример.рф",), "xn--e1afmkfd.xn--p1ai", 443, True),
        (("xn--e1afmkfd.xn--p1ai",), "пример.рф", 443, True),
        (("пример.рф",), "прuмер.рф", 443, False),
        (("*",), "anywhere.example", 1, True),
        ((), "127.0.0.1", 80, False),
    ],
)
def test_the_list_of_hosts(entries: tuple[str, ...], host: str, port: int, allowed: bool) -> None:
    check_entries(entries)
    assert Hosts(entries, known=("sms.ru",)).allow(host, port) is allowed


@pytest.mark.parametrize("entry", ["http://x", "a b", "x:0", "x:70000", "10.0.0.1/8", "u@h", "*."])
def test_a_wrong_entry_is_named(entry: str) -> None:
    with pytest.raises(SettingsMistake, match=r"OUTBOX_ALLOWED_HOSTS|allowed_hosts"):
        load(allowed_hosts=entry)


# --- in the clear --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("adapter", "settings", "hosts"),
    [
        ("smpp", {"addresses": ["smsc.example:2775"], "system_id": "x"}, ["smsc.example"]),
        ("smpp", {"addresses": ["smsc.example:2775"], "system_id": "x", "tls": True}, []),
        ("smpp", {"addresses": ["127.0.0.1:2775", "[::1]:2775"], "system_id": "x"}, []),
        ("kannel", {"url": "http://kannel/x", "username": "u"}, ["kannel"]),
        ("kannel", {"url": "http://localhost/x", "username": "u"}, []),
        ("smsc_ru", {"url": "http://smsc.ru"}, ["smsc.ru"]),
        ("smsc_ru", {}, []),
        ("generic_http", {"url": "http://sms.ru", "send": SEND}, ["sms.ru"]),
        ("generic_http", {"url": "https://sms.ru", "send": SEND}, []),
    ],
)
def test_secrets_in_the_clear_are_warned_of(
    adapter: str, settings: dict[str, Any], hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_KEY", "precious")
    row = account(adapter, settings, "OUTBOX_SECRET_KEY")
    made = make_provider(row, settings=load(), receipts=ReceiptBatcher(nowhere))
    with capture_logs() as logged:
        warn_of_clear_text(row, made)
    assert [line["host"] for line in logged] == hosts
    assert "precious" not in str(logged)


async def test_a_worker_warns_when_it_starts(
    conn: AsyncConnection, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_SECRET_KEY", "precious")
    settings = {"addresses": ["192.0.2.1:2775"], "system_id": "x"}
    await factory.make_provider(
        conn, "smsc", adapter="smpp", settings=settings, secret_env="OUTBOX_SECRET_KEY"
    )
    worker = programs.start("worker", allowed_hosts="192.0.2.0/24")
    await eventually(lambda: worker.events("sent_in_the_clear"))
    assert worker.events("sent_in_the_clear")[0]["host"] == "192.0.2.1"


def test_our_own_urls_with_a_secret_are_warned_of() -> None:
    with capture_logs() as logged:
        warn_of_clear_settings(load(webhook_url="http://chat.example/KEY", dlr_token="t"))
        warn_of_clear_settings(load(dlr_base_url="http://us.example", dlr_token="t"))
        warn_of_clear_settings(load(webhook_url="https://chat.example/KEY", dlr_token="t"))
        warn_of_clear_settings(load(webhook_url="http://127.0.0.1/KEY"))
    assert [line["setting"] for line in logged] == ["OUTBOX_WEBHOOK_URL", "OUTBOX_DLR_BASE_URL"]
    assert "KEY" not in str(logged)
