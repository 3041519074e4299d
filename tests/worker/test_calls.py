"""The Python face of the database: each call fits its SQL function, and errors become sentences."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from outbox import calls, logs
from outbox.db import Database
from outbox.errors import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseError,
    NotAllowed,
    NotMigrated,
    OutboxError,
    Refused,
    SettingsMistake,
    from_psycopg,
)
from outbox.rows import Results
from providers.base import Receipt
from tests.conftest import AsRole
from tests.support import factory
from tests.worker.conftest import Fake, insert

CALL = re.compile(r"sms\.(\w+)\(((?:[^()]|\([^()]*\))*)\)")
ARGUMENT = re.compile(r"(p_\w+)\s*=>")


def called() -> list[tuple[str, list[str]]]:
    """Every SQL function in outbox/calls with the parameters it is given."""
    source = "".join(path.read_text() for path in Path(calls.__file__).parent.glob("*.py"))
    return [(name, ARGUMENT.findall(arguments)) for name, arguments in CALL.findall(source)]


async def test_every_call_names_a_function_and_parameters_that_exist(tx: AsyncConnection) -> None:
    rows = await factory.rows(
        tx,
        """
        select p.proname, coalesce(p.proargnames[:p.pronargs], '{}') as names,
               p.pronargs - p.pronargdefaults as required
          from pg_proc as p
         where p.pronamespace = 'sms'::regnamespace
        """,
    )
    assert len(called()) >= 20
    for name, arguments in called():
        fits = [
            row
            for row in rows
            if row["proname"] == name
            and set(arguments) <= set(row["names"])
            and set(row["names"][: row["required"]]) <= set(arguments)
        ]
        assert len(fits) == 1, f"{name}({', '.join(arguments)})"


async def test_the_worker_role_may_do_all_that_the_worker_does(
    as_role: AsRole, conn: AsyncConnection, fake: Fake
) -> None:
    await insert(conn, 2)
    worker = await as_role("sms_worker")
    assert [row.provider for row in await calls.list_providers(worker)] == [factory.PROVIDER]
    claim = await calls.claim_batch(
        worker,
        provider=factory.PROVIDER,
        worker="w",
        limit=10,
        from_priority=0,
        to_priority=3,
        lease_s=60,
    )
    assert len(claim.ids) == len(claim.bodies) == len(claim.expires_ats) == claim.judged == 2
    assert await calls.mark_submitting(worker, claim_id=claim.claim_id, ids=claim.ids)
    results = Results.empty()
    for id_ in claim.ids:
        results.ids.append(id_)
        results.results.append("accepted")
        results.segments.append(1)
        results.details.append("with a \x00 in it")
        results.retry_after_s.append(None)
    results.ref_ids.append(claim.ids[0])
    results.refs.append("ref\x00")
    assert await calls.settle(worker, claim_id=claim.claim_id, results=results) == 2
    assert await calls.settle(worker, claim_id=claim.claim_id, results=results) == 0
    receipts = [_receipt(message_id=claim.ids[0]), _receipt(ref="nobody's")]
    recorded = await calls.record_receipts(worker, provider=factory.PROVIDER, receipts=receipts)
    assert (recorded.stored, recorded.applied, recorded.waiting) == (2, 1, 1)
    left = await calls.work_left(worker, receipt_wait=timedelta(seconds=60))
    assert (left.due, left.inflight, left.awaiting_receipt, left.total) == (0, 0, 1, 1)
    await calls.expire_leases(worker, limit=10)
    await calls.match_receipts(worker, limit=10)
    await calls.apply_uncertain_policy(worker, limit=10)
    await calls.maintain_partitions(worker)
    slot = await calls.try_sleep(worker, gate=1)
    assert slot is not None
    await calls.wake_up(worker, gate=1, slot=slot)


async def test_an_empty_claim_has_empty_columns(conn: AsyncConnection, fake: Fake) -> None:
    claim = await calls.claim_batch(
        conn,
        provider=factory.PROVIDER,
        worker="w",
        limit=10,
        from_priority=0,
        to_priority=3,
        lease_s=60,
    )
    assert claim.judged == 0
    assert not any((claim.ids, claim.bodies, claim.expires_ats))


async def test_own_errors_come_with_their_hint(tx: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await calls.switch_channel(tx, channel="smoke", provider=None)
    error = from_psycopg(caught.value)
    assert isinstance(error, Refused)
    assert error.sqlstate is not None
    assert error.sqlstate.startswith("SM")
    assert str(error).startswith('unknown channel "smoke". ')
    assert "mass" in str(error)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("select sms.no_such_function()", NotMigrated),
        ("select 1/0", DatabaseError),
        ("select pg_terminate_backend(pg_backend_pid())", DatabaseAway),
        ("set transaction read only; delete from sms.setting", DatabaseAway),
        ("set statement_timeout = '10ms'; select pg_sleep(1)", DatabaseBusy),
    ],
)
async def test_errors_say_what_to_do(dsn: str, query: str, kind: type[OutboxError]) -> None:
    async with Database(dsn) as db:
        with pytest.raises(kind) as caught:
            async with db.connection() as conn:
                await conn.execute(query.encode())
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        async with db.connection() as conn:
            await calls.ping(conn)


async def test_a_database_that_stays_busy_is_told_but_not_at_every_call(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Database(dsn) as db:
        for _ in range(3):
            with pytest.raises(DatabaseBusy):
                async with db.connection() as conn:
                    await conn.execute("set statement_timeout = '10ms'; select pg_sleep(1)")
    said = capsys.readouterr()
    assert (said.out + said.err).count("database_busy") == 1
    assert "statement timeout" in said.out + said.err


async def test_a_missing_right_is_said(as_role: AsRole) -> None:
    erp = await as_role("sms_erp")
    with pytest.raises(psycopg.Error) as caught:
        await calls.list_providers(erp)
    assert isinstance(from_psycopg(caught.value), NotAllowed)


async def test_a_server_that_does_not_answer_is_away(dsn: str) -> None:
    async with Database(dsn, timeout_s=0.2) as db:
        with pytest.raises(DatabaseAway, match="does not answer"):
            async with db.connection() as conn:
                await conn.execute("select pg_sleep(5)")


async def test_a_transaction_left_open_is_not_lent_again(dsn: str) -> None:
    async with Database(dsn) as db:
        async with db.connection() as conn:
            await conn.execute("begin")
            spoiled = conn
        async with db.connection() as conn:
            assert conn is not spoiled


async def test_a_dsn_that_is_none_is_named() -> None:
    async with Database("what is this") as db:
        with pytest.raises(SettingsMistake, match="OUTBOX_DSN is no connection string"):
            async with db.connection():
                pass


def test_logs_are_json_without_numbers_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    import structlog

    structlog.get_logger().warning(
        "odd",
        error="no route to +79071234567, nor 79071234567",
        msisdn=79071234567,
        body="a secret text",
        id=912548437939978252,
        inner={"numbers": [79071234567]},
    )
    line = capsys.readouterr().err
    assert json.loads(line)["event"] == "odd"
    assert "79071234567" not in line
    assert "a secret text" not in line
    assert "7907***4567" in line
    assert "912548437939978252" in line
    structlog.reset_defaults()


def _receipt(**known: object) -> Receipt:
    values: dict[str, object] = {
        "message_id": None,
        "ref": None,
        "code": "delivered",
        "error": None,
        "occurred_at": datetime.now(UTC),
        "raw": "raw with a \x00",
    }
    return Receipt(**{**values, **known})  # type: ignore[arg-type]
