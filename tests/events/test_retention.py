"""How long events and the histories are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.events.conftest import fire, planned, set_rule
from tests.support.factory import row, value

LATER = datetime.now(UTC) + timedelta(days=31 * 40)


async def keep(db: AsyncConnection, months: int | str, table: str = "") -> None:
    """Set retention_months, or a table's own."""
    await db.execute(
        "update sms.setting set value = %s where setting = %s",
        [str(months), f"retention_months.{table}" if table else "retention_months"],
    )


async def maintain(db: AsyncConnection, as_of: datetime) -> None:
    await db.execute("select * from sms.maintain_partitions(%s)", [as_of])


async def count(db: AsyncConnection, table: str) -> int:
    return int(await value(db, f"select count(*) from sms.{table}"))  # noqa: S608


@pytest.fixture
async def lived_in(db: AsyncConnection) -> AsyncConnection:
    """A row of each history."""
    await db.execute("delete from sms.activity")
    await db.execute(
        """
        select sms.log_activity('paused', 'campaign', 'spring');
        insert into sms.inbound (provider_id, sender, body)
        select provider_id, '79070000001', 'hello' from sms.provider;
        insert into sms.number_trouble (message_id, msisdn, at, provider_id, state)
        values (sms.next_id(), 79070000001, now(), 1, 'undelivered');
        update sms.cap set max_messages = 7 where channel = 'mass';
        """
    )
    return db


HISTORIES = ("activity", "inbound", "number_trouble")


async def test_as_delivered_everything_is_kept(lived_in: AsyncConnection) -> None:
    rules = await count(lived_in, "rule_change")
    await maintain(lived_in, LATER)

    assert [await count(lived_in, table) for table in HISTORIES] == [1, 1, 1]
    assert await count(lived_in, "rule_change") == rules


async def test_histories_go_with_everything_else(lived_in: AsyncConnection) -> None:
    rules = await count(lived_in, "rule_change")
    await keep(lived_in, 24)
    await maintain(lived_in, LATER)

    assert [await count(lived_in, table) for table in HISTORIES] == [0, 0, 0]
    assert await count(lived_in, "rule_change") > rules  # kept, and the setting itself was changed


@pytest.mark.parametrize("table", HISTORIES)
async def test_a_history_may_have_its_own(lived_in: AsyncConnection, table: str) -> None:
    await keep(lived_in, 24)
    for other in HISTORIES:
        await keep(lived_in, 0 if other == table else "", other)
    await maintain(lived_in, LATER)

    left = {other: await count(lived_in, other) for other in HISTORIES}
    assert left == {other: int(other == table) for other in HISTORIES}


async def test_failed_messages_are_kept_as_long_as_blacklisting_looks_back(
    lived_in: AsyncConnection,
) -> None:
    await keep(lived_in, 1)
    await maintain(lived_in, datetime.now(UTC) + timedelta(days=401))

    assert await count(lived_in, "number_trouble") == 1
    assert await count(lived_in, "inbound") == 0


async def test_the_newest_change_of_each_rule_stays(lived_in: AsyncConnection) -> None:
    await keep(lived_in, 24, "rule_change")
    newest = await value(
        lived_in, "select count(distinct (rule_table, rule_key)) from sms.rule_change"
    )
    await maintain(lived_in, LATER)

    assert await count(lived_in, "rule_change") == newest
    rule = await row(
        lived_in,
        "select rule ->> 'max_messages' as max from sms.rules_as_of(clock_timestamp(), 'cap')"
        " where rule ->> 'channel' = 'mass'",
    )
    assert rule["max"] == "7"


async def test_events_go_by_the_month_with_their_keys(db: AsyncConnection) -> None:
    await set_rule(db, "now", event_type="late", template="late")
    await fire(db, "late", 2, {"amount": 5}, "k-1")
    await keep(db, 12, "event")
    await maintain(db, datetime.now(UTC) + timedelta(days=300))
    assert [await count(db, table) for table in ("event", "event_effect", "event_key")] == [1, 1, 1]

    await maintain(db, LATER)

    assert [await count(db, table) for table in ("event", "event_effect", "event_key")] == [0, 0, 0]
    assert await count(db, "outbox") == 1  # requests are kept by retention_months


async def test_a_month_with_something_planned_stays(db: AsyncConnection) -> None:
    await set_rule(db, "later", event_type="late", template="late", shift="2 days")
    await fire(db, "late", 2, {"amount": 5})
    await keep(db, 12, "event")

    await maintain(db, LATER)

    assert len(await planned(db)) == 1


@pytest.mark.parametrize(
    ("setting", "given"),
    [
        ("retention_months.inbound", "long"),
        ("retention_months.inbound", "-1"),
        ("retention_months.outcome", "3"),  # what belongs together goes together
        ("retention_months", ""),
    ],
)
async def test_a_wrong_retention_is_refused(db: AsyncConnection, setting: str, given: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await db.execute(
            """
            insert into sms.setting (setting, value, meaning) values (%s, %s, 'x')
                on conflict (setting) do update set value = excluded.value
            """,
            [setting, given],
        )
