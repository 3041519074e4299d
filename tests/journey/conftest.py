"""One world for the whole journey: a database, a provider that keeps a record, and `outbox run`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.journey.world import Erp, Session, World
from tests.support.clock import MOSCOW
from tests.support.databases import Databases
from tests.support.outbox_process import Programs, answer, with_rights_of


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An operator has routed everything to the provider; it is night for advertising in Moscow."""
    folder = tmp_path_factory.mktemp("journey")
    record = folder / "taken.jsonl"
    with databases.copy() as dsn, Programs(folder) as programs:
        operator = with_rights_of(dsn, "sms_operator")
        account = ("provider", "set", "post", "--adapter", "fake", "--tps", "1000")
        pairs = [f"log={record}", "latency_ms=5", "receipt_delay_ms=50"]
        settings = [word for pair in pairs for word in ("--set", pair)]
        answer(*account, *settings, dsn=operator)
        answer("provider", "switch", "*", "post", dsn=operator)
        make_it_night_in_moscow(dsn)
        worker = with_rights_of(dsn, "sms_worker")
        program = programs.start("run", dsn=worker, worker_name="journey")
        program.wait_until_ready()
        yield World(dsn=dsn, record=record, program=program)


def make_it_night_in_moscow(dsn: str) -> None:
    """Whatever the hour, advertising has been silent there for two hours and will be for two."""
    now = datetime.now(MOSCOW)
    hours = [(now + timedelta(hours=shift)).time().replace(microsecond=0) for shift in (-2, 2)]
    with Session(dsn, "sms_operator") as operator:
        operator.do("delete from sms.quiet_hours")
        operator.do(
            """
            insert into sms.quiet_hours (category, quiet_from, quiet_until)
            values ('advertising', %s, %s)
            """,
            *hours,
        )
        operator.commit()


@pytest.fixture
def erp(world: World) -> Iterator[Erp]:
    with Erp(world.dsn) as erp:
        yield erp


@pytest.fixture
def operator(world: World) -> Iterator[Session]:
    with Session(world.dsn, "sms_operator") as operator:
        yield operator
