"""S12, S32: settings are what the adapter has, hold no secret, and are told by name only."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb

from migrations.apply import migrate
from outbox.calls import asking
from providers import registry
from providers.base import AdapterFactory
from providers.generic_http_settings import FOLDER, GenericHttpSettings, presets
from providers.registry import declared
from providers.setting_names import setting_names
from tests.security.test_secrets import Save, by_function, by_insert, by_update
from tests.support import factory
from tests.support.outbox_process import Programs
from tests.support.real_logins import login
from tests.support.waiting import eventually

SAVES = [by_function, by_insert, by_update]
UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("kannel", {"colour": "red"}, "colour"),
    ("smpp", {"addresses": ["127.0.0.1:2775"], "timeout": 3}, "timeout"),
    ("smsc_ru", {"user": "bank"}, "user"),
    ("fake", {"latency": 3}, "latency"),
    ("generic_http", {"send": {"headers": {"X": "y"}, "retries": 3}}, "send.retries"),
    ("generic_http", {"send": {"answers": [{"when": "x", "then": "y"}]}}, "send.answers.then"),
    ("kannel", {"url": {"deep": "x"}}, "url.deep"),
]
SECRETS: list[tuple[str, dict[str, Any], str]] = [
    ("kannel", {"password": "hunter2"}, "password"),
    ("smsc_ru", {"login": "bank", "psw": "hunter2"}, "login"),
    ("kannel", {"pin": 4711}, "pin"),
    ("smpp", {"apiKey": "hunter2"}, "apiKey"),
    ("another_package", {"token": "hunter2"}, "token"),
    ("another_package", {"deep": [{"client-secret": "hunter2"}]}, "deep.client-secret"),
    ("generic_http", {"vars": {"key": "hunter2"}}, "vars.key"),
    ("generic_http", {"send": {"headers": {"Authorization": "Bearer hunter2"}}}, "send.headers"),
    ("generic_http", {"send": {"headers": {"X-Api-Key": "{secret}hunter2"}}}, "send.headers"),
    ("generic_http", {"send": {"form": {"psw": "hunter2"}}}, "send.form.psw"),
    ("generic_http", {"send": {"path": "/send?apikey=hunter2"}}, "send.path"),
    ("generic_http", {"send": {"path": "/send?to={msisdn}&key=hunter2"}}, "send.path"),
    ("kannel", {"url": "http://bank:hunter2@127.0.0.1/"}, "url"),
    ("smpp", {"addresses": "a.example:2775,bank:hunter2@b.example:2775"}, "addresses"),
    ("generic_http", {"vars": {"a": "Ab3dEf6hIj9kLm2nOp5qRs8t"}}, "vars.a"),
    ("generic_http", {"vars": {"a": "0123456789abcdef0123456789abcdef"}}, "vars.a"),
    ("generic_http", {"vars": {"a": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x"}}, "vars.a"),
    ("generic_http", {"vars": {"a": "-----BEGIN PRIVATE KEY-----"}}, "vars.a"),
    ("generic_http", {"note": "Basic YmFuazpodW50ZXIy"}, "note"),
]
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("kannel", {"url": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "bank"}),
    ("kannel", {"status_secret_env": "OUTBOX_SECRET_STATUS", "admin_url": None}),
    (
        "smpp",
        {"addresses": "a.example:2775", "tls_key_file": "/etc/Key-of-2026-for-the-SMSC"},
    ),
    ("smpp", {"statuses": {"0x45": "retry"}, "alphanumeric_ton_npi": [5, 0]}),
    ("fake", {"log": "/tmp/pytest-of-Somebody-1/test_that_Names_2_things/log", "seed": 4}),
    ("generic_http", {"username": "01234567-89ab-cdef-0123-456789abcdef"}),
    ("generic_http", {"send": {"headers": {"Authorization": "App {secret}"}}}),
    ("generic_http", {"send": {"json": {"login": "{username}", "password": "{secret}"}}}),
    ("generic_http", {"receipts": {"signature": {"kind": "secret", "parts": ["{secret}", "a*"]}}}),
    (
        "generic_http",
        {"send": {"item": "body.list[?key=='{id}'] | [0]", "path": "/x?key={secret}"}},
    ),
    ("another_package", {"anything": {"at": ["all", 1, None, True]}}),
    *(
        ("generic_http", json.loads((FOLDER / f"{name}.json").read_text("utf-8")))
        for name in presets()
    ),
]


@pytest.mark.parametrize("save", SAVES)
async def test_unknown_settings_are_refused_when_saved(
    conn: AsyncConnection, dsn: str, save: Save
) -> None:
    await factory.make_provider(conn, point_lanes=False)
    with login(dsn, "sms_operator") as operator:
        for adapter, settings, wrong in UNKNOWN:
            with pytest.raises(psycopg.Error) as refused, psycopg.connect(operator) as as_operator:
                save(as_operator, adapter, settings, None)
            assert refused.value.sqlstate == "SM064"
            assert f'"{wrong}"' in str(refused.value)
    assert await factory.column(conn, "select settings from sms.provider") == [{}]


@pytest.mark.parametrize("save", SAVES)
async def test_what_looks_like_a_secret_is_refused_and_told_nobody(
    conn: AsyncConnection, dsn: str, save: Save
) -> None:
    await factory.make_provider(conn, point_lanes=False)
    with login(dsn, "sms_operator") as operator:
        for adapter, settings, wrong in SECRETS:
            with pytest.raises(psycopg.Error) as refused, psycopg.connect(operator) as as_operator:
                save(as_operator, adapter, settings, None)
            assert (refused.value.sqlstate, adapter) == ("SM065", adapter)
            assert f'"{wrong}' in str(refused.value)
            assert "secret_env" in (refused.value.diag.message_hint or "")
            assert "hunter2" not in str(refused.value)
    assert await factory.column(conn, "select settings from sms.provider") == [{}]
    told = await factory.column(
        conn,
        "select detail::text from sms.activity union all"
        " select concat(old, new) from sms.rule_change where rule_table = 'provider'",
    )
    assert "hunter2" not in str(told)


@pytest.mark.parametrize("save", SAVES)
async def test_what_is_right_is_saved(conn: AsyncConnection, dsn: str, save: Save) -> None:
    await factory.make_provider(conn, "leak", point_lanes=False)
    with login(dsn, "sms_operator") as operator:
        for adapter, settings in HARMLESS:
            with psycopg.connect(operator) as as_operator:
                if save is not by_update:
                    as_operator.execute("update sms.provider set provider = 'n' || provider_id")
                save(as_operator, adapter, settings, None)


async def test_what_stood_there_before_does_not_hold_up_other_changes(
    conn: AsyncConnection,
) -> None:
    await conn.execute("alter table sms.provider disable trigger refuse_unfit_provider")
    await factory.make_provider(conn, settings={"password": "hunter2"})
    await conn.execute("alter table sms.provider enable trigger refuse_unfit_provider")
    await conn.execute("select sms.set_provider('post', p_tps => 7)")
    with pytest.raises(psycopg.Error, match="looks like a secret"):
        await conn.execute("""select sms.set_provider('post', p_settings => '{"seed": 1}')""")
    await conn.execute(
        """select sms.set_provider('post', p_settings => '{"seed": 1, "password": null}')"""
    )
    assert await factory.column(conn, "select settings from sms.provider") == [{"seed": 1}]


# --- what the database knows of adapters ---------------------------------------------------------


async def test_the_database_knows_the_settings_of_every_adapter(conn: AsyncConnection) -> None:
    known = await factory.rows(
        conn,
        "select adapter, array_agg(setting || case when is_open then '.*' else '' end"
        " order by setting) as names from sms.adapter_setting group by adapter",
    )
    assert {row["adapter"]: sorted(row["names"]) for row in known} == declared()
    assert {"fake", "generic_http", "kannel", "smpp", "smsc_ru"} <= declared().keys()


async def test_an_adapter_of_another_package_may_declare_its_settings(
    conn: AsyncConnection, dsn: str
) -> None:
    await conn.execute("select sms.declare_adapter('acme', '{url, more.*}')")
    with login(dsn, "sms_operator") as operator:
        with psycopg.connect(operator) as as_operator:
            settings = {"url": "https://acme.example", "more": {"a": {"b": 1}}}
            by_function(as_operator, "acme", settings, None)
        with (
            pytest.raises(psycopg.Error, match='has no setting "uri"'),
            psycopg.connect(operator) as as_operator,
        ):
            by_function(as_operator, "acme", {"uri": "x"}, None)
        for statement in (
            "select sms.declare_adapter('kannel', '{anything.*}')",
            "insert into sms.adapter_setting (adapter, setting) values ('kannel', 'colour')",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                psycopg.connect(operator) as as_operator,
            ):
                as_operator.execute(statement)
    await conn.execute("select sms.declare_adapter('acme', '{uri}')")
    names = "select setting from sms.adapter_setting where adapter = 'acme'"
    assert await factory.column(conn, names) == ["uri"]


def test_an_adapter_that_cannot_be_imported_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = registry.load

    def load_but_one(adapter: str) -> AdapterFactory:
        if adapter == "smpp":
            raise ImportError("a library is missing")
        return load(adapter)

    monkeypatch.setattr(registry, "load", load_but_one)
    assert {"smpp"} == {"fake", "generic_http", "kannel", "smpp", "smsc_ru"} - declared().keys()


def test_names_are_read_out_of_a_model() -> None:
    names = setting_names(GenericHttpSettings)
    assert {"url", "send.json.*", "send.headers.*", "send.answers.when", "vars.*"} <= set(names)
    assert "send.json_" not in names


# --- who reads what ------------------------------------------------------------------------------


async def test_the_logs_tell_names_and_no_values(conn: AsyncConnection, dsn: str) -> None:
    with login(dsn, "sms_operator") as operator, psycopg.connect(operator) as as_operator:
        for settings in (
            {"sender_id": "FIRST", "parallel": 31},
            {"sender_id": "SECOND", "smsc": "THIRD"},
        ):
            as_operator.execute("select sms.set_provider('main', 'kannel', %s)", (Jsonb(settings),))
        as_operator.execute("delete from sms.stop_word")  # another rule is told as it was
    for role in ("sms_analyst", "sms_operator", "sms_erp"):
        with login(dsn, role) as reader, psycopg.connect(reader) as reads:
            log = str(reads.execute("select * from sms.activity, sms.activity_log").fetchall())
            assert not [value for value in ("FIRST", "SECOND", "THIRD") if value in log]
            assert "sender_id (changed) smsc (set)" in log
    history = (
        "select old, new from sms.rule_change where rule_table = 'provider' order by change_id"
    )
    kept = await factory.rows(conn, history)
    assert [row["new"]["settings"] for row in kept] == [
        {"sender_id": "…", "parallel": "…"},
        {"sender_id": "changed", "parallel": "…", "smsc": "set"},
    ]
    assert kept[1]["old"]["settings"] == {"sender_id": "…", "parallel": "…"}


async def test_an_upgrade_blanks_what_was_told_before(conn: AsyncConnection, dsn: str) -> None:
    await factory.make_provider(conn, settings={"sender_id": "BANK"}, adapter="kannel")
    await conn.execute("alter table sms.rule_change disable trigger hide_setting_values")
    await conn.execute(
        """
        update sms.rule_change set new = jsonb_set(new, '{settings}',
                                                    '{"password": "hunter2"}')
         where rule_table = 'provider';
        insert into sms.activity (acted_as, action, kind, name, detail)
        values ('x', 'changed', 'provider', 'post', '{"settings": {"password": "hunter2"}}');
        alter table sms.rule_change enable trigger hide_setting_values
        """
    )
    file = Path(__file__).parents[2] / "migrations/versions/0018_provider_settings.sql"
    text = file.read_text(encoding="utf-8")
    await conn.execute(text[text.index("-- What was told") :].encode())
    told = await factory.column(
        conn,
        "select detail::text from sms.activity union all select new::text from sms.rule_change",
    )
    assert "hunter2" not in str(told)
    assert "password" in str(told)
    migrate(dsn)  # once more over what people have


async def test_monitoring_reads_no_settings(conn: AsyncConnection, dsn: str) -> None:
    await factory.make_provider(conn, adapter="kannel", settings={"sender_id": "BANK"})
    with login(dsn, "sms_monitor") as monitor:
        for query in (
            "select settings from sms.provider",
            "select secret_env from sms.provider",
            "select * from sms.provider",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                psycopg.connect(monitor) as reads,
            ):
                reads.execute(query)
        with psycopg.connect(monitor) as reads:
            seen = reads.execute(
                "select provider, adapter, is_enabled from sms.provider"
            ).fetchall()
            assert seen == [("post", "kannel", True)]


@pytest.mark.parametrize("role", ["sms_erp", "sms_analyst", "sms_monitor", "sms_worker", "sms_dlr"])
async def test_nobody_but_operators_and_programs_sees_settings(
    conn: AsyncConnection, dsn: str, role: Any
) -> None:
    """Every relation the role may read is searched for a value that stands in settings only."""
    await factory.make_provider(conn, adapter="kannel", settings={"sender_id": "BANKBANK"})
    await factory.insert(conn, "outbox", phone="89070000001", body="x")
    with login(dsn, role) as reader, psycopg.connect(reader, autocommit=True) as reads:
        relations = reads.execute(
            """
            select c.relname from pg_class as c
             where c.relnamespace = 'sms'::regnamespace and c.relkind in ('r', 'v', 'p')
               and has_table_privilege(c.oid, 'select')
            """
        ).fetchall()
        for (name,) in relations:
            relation = sql.Identifier("sms", name)
            found = reads.execute(
                sql.SQL("select t::text from {} as t").format(relation)
            ).fetchall()
            assert "BANKBANK" not in str(found), name


# --- balances ------------------------------------------------------------------------------------


async def asked(conn: AsyncConnection, provider: str) -> bool:
    """Whether a worker would ask this account now."""
    return await asking.take_balance_turn(conn, provider=provider, every=timedelta(0))


async def test_only_accounts_that_something_leads_to_are_asked_for_their_balance(
    conn: AsyncConnection,
) -> None:
    for name in ("serving", "tried", "standing_by", "unused"):
        await factory.make_provider(conn, name, point_lanes=False)
    await conn.execute("select sms.switch_channel('single', 'serving')")
    await conn.execute("select sms.set_route('mass', '{serving,standing_by}')")
    await conn.execute(
        """
        update sms.lane set probed_by = (select provider_id from sms.provider
                                          where provider = 'tried')
         where lane_id = (select min(lane_id) from sms.lane)
        """
    )
    assert await asked(conn, "serving")
    assert await asked(conn, "tried")
    assert await asked(conn, "standing_by")
    assert not await asked(conn, "unused")
    await conn.execute("select sms.switch_channel('otp', 'unused')")
    assert await asked(conn, "unused")


async def test_a_worker_leaves_an_unused_account_alone(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    log = str(tmp_path / "log")
    for name in ("used", "unused"):
        settings = {"balance": 5, "log": log}
        await factory.make_provider(conn, name, point_lanes=name == "used", settings=settings)
    balances = "select provider from sms.provider_balance join sms.provider using (provider_id)"
    with login(dsn, "sms_worker") as worker, Programs(tmp_path, dsn=worker) as programs:
        run = await programs.running("worker")
        await eventually(lambda: len(run.events("provider_open")) == 2)
        with psycopg.connect(dsn, autocommit=True) as owner:
            await eventually(lambda: owner.execute(balances.encode()).fetchall())
            await eventually(lambda: owner.execute(balances.encode()).fetchall())
    assert await factory.column(conn, balances) == ["used"]
