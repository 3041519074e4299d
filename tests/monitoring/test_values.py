"""What sms.metric_values tells of a database whose contents are known."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from outbox.calls import monitoring
from outbox.metrics import MEANINGS
from tests.support.factory import (
    add_range,
    claim,
    hear,
    insert,
    insert_many,
    make_provider,
    mark,
    number,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

Values = dict[tuple[str, frozenset[tuple[str, object]]], float]


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """`post` serves every lane but those of `mass`; nothing is held back."""
    await make_provider(tx)
    await tx.execute("select sms.switch_channel('mass', null)")
    await set_quiet_hours(tx)
    await set_caps(tx)
    await tx.execute("update sms.channel set dedup_window = '0', opening_spread = '0'")
    await add_range(tx, number(0), number(9999), operator="mts")
    return tx


async def values(conn: AsyncConnection) -> Values:
    """Every value, as monitoring itself gets it."""
    await conn.execute("set local role sms_monitor")
    told = await monitoring.metric_values(conn)
    await conn.execute("reset role")
    found = {(row.metric, frozenset(row.labels.items())): row.value for row in told}
    assert len(found) == len(told), "a series is told twice"
    return found


def key(metric: str, **labels: object) -> tuple[str, frozenset[tuple[str, object]]]:
    return metric, frozenset(labels.items())


def lane(channel: str, priority: int, provider: str = "post") -> dict[str, object]:
    return {"channel": channel, "operator": "mts", "provider": provider, "priority": priority}


async def now(conn: AsyncConnection, shift: str = "0") -> str:
    return str(await value(conn, "select (clock_timestamp() + %s::interval)::text", shift))


async def priority(conn: AsyncConnection, channel: str) -> int:
    return int(await value(conn, "select priority from sms.channel where channel = %s", channel))


async def test_the_queue_by_lane_and_its_oldest_message(db: AsyncConnection) -> None:
    request = {"channel": "single"}
    await insert_many(
        db,
        [
            {**request, "phone": str(number(1)), "not_before": await now(db, "-90 seconds")},
            {**request, "phone": str(number(2)), "not_before": await now(db, "-30 seconds")},
            {**request, "phone": str(number(3)), "not_before": await now(db, "2 hours")},
            {**request, "channel": "mass", "phone": str(number(4)), "not_before": await now(db)},
        ],
    )
    told = await values(db)
    single = lane("single", await priority(db, "single"))
    mass = lane("mass", await priority(db, "mass"), provider="")
    waits = {
        state: told[key("outbox_queue_messages", state=state, **single)]
        for state in ("due", "later", "inflight")
    }
    assert waits == {"due": 2, "later": 1, "inflight": 0}
    assert told[key("outbox_queue_messages", state="due", **mass)] == 1
    # Who inserts into the past is given the present, so the age is small but not nothing.
    stored = await value(
        db,
        "select extract(epoch from clock_timestamp() - min(p.not_before))::float8"
        "  from sms.pending as p join sms.lane as l using (lane_id)"
        " where l.provider_id is not null",
    )
    age = told[key("outbox_queue_oldest_due_seconds", **single)]
    assert stored - 5 < age <= stored
    idle = lane("otp", await priority(db, "otp"))
    assert told[key("outbox_queue_oldest_due_seconds", **idle)] == 0


async def test_what_is_in_hand_and_what_is_in_doubt(db: AsyncConnection) -> None:
    ids = await insert_many(
        db, [{"phone": str(number(n)), "not_before": await now(db)} for n in range(3)]
    )
    claimed = await claim(db, as_of=None)
    assert sorted(claimed.ids) == ids
    single = lane("single", await priority(db, "single"))
    told = await values(db)
    assert told[key("outbox_queue_messages", state="inflight", **single)] == 3

    assert await mark(db, claimed.claim_id, ids)
    assert await settle(db, claimed.claim_id, ids[:2], "uncertain") == 2
    told = await values(db)
    assert told[key("outbox_uncertain_messages", provider="post")] == 2
    assert told[key("outbox_queue_messages", state="inflight", **single)] == 1

    await db.execute(
        "select sms.resolve_uncertain(%s::bigint[], 'give_up', null, 'a test')", [ids[:1]]
    )
    told = await values(db)
    assert told[key("outbox_uncertain_messages", provider="post")] == 1


async def test_receipts_that_wait_and_how_late_they_come(db: AsyncConnection) -> None:
    told = await values(db)
    assert told[key("outbox_receipts_waiting", provider="post")] == 0
    assert not [name for name, _ in told if name == "outbox_receipt_lag_seconds"]

    await hear(db, (None, "unknown-1", "delivered"), (None, "unknown-2", "delivered"))
    await db.execute(
        "update sms.receipt set occurred_at = received_at - interval '7 seconds',"
        "                       received_at = received_at"
    )
    told = await values(db)
    assert told[key("outbox_receipts_waiting", provider="post")] == 2
    for quantile in ("0.5", "0.95"):
        lag = told[key("outbox_receipt_lag_seconds", provider="post", quantile=quantile)]
        assert lag == pytest.approx(7)


async def test_a_provider_that_is_left_alone(db: AsyncConnection) -> None:
    told = await values(db)
    assert told[key("outbox_provider_breaker_open", provider="post")] == 0
    lanes = await value(
        db,
        "select count(*) from sms.lane as l join sms.provider as p using (provider_id)"
        " where p.provider = 'post'",
    )
    assert told[key("outbox_provider_lanes", provider="post")] == lanes > 0
    for state in ("open", "half_open"):
        await db.execute("update sms.breaker set state = %s", [state])
        told = await values(db)
        assert told[key("outbox_provider_breaker_open", provider="post")] == 1

    await db.execute(
        "select sms.report_health('w', %s)",
        [
            '[{"provider": "post", "epoch": 0, "accepted": 3, "failed": 1, "outstanding": 5,'
            ' "overdue": 0, "silence_s": 0, "failing": 0, "failing_s": 0,'
            ' "times": [0,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0], "max_ms": 1}]'
        ],
    )
    told = await values(db)
    assert told[key("outbox_provider_error_ratio", provider="post")] == 0.25
    assert told[key("outbox_provider_outstanding_messages", provider="post")] == 5


async def test_money_of_today_and_budgets(db: AsyncConnection) -> None:
    await db.execute(
        """
        insert into sms.spend_day (day, channel_id, campaign_id, amount)
        select t.today - d.ago, c.channel_id, 0, 30
          from sms.channel as c, (values (0), (1)) as d (ago),
               (select (clock_timestamp() at time zone sms.statistics_zone())::date) as t (today)
         where c.channel = 'mass';
        insert into sms.spend (day, channel_id, campaign_id, amount)
        select (clock_timestamp() at time zone sms.statistics_zone())::date, c.channel_id, null,
               12.5
          from sms.channel as c where c.channel = 'mass'
        """
    )
    month = await value(
        db, "select date_trunc('month', clock_timestamp() at time zone sms.statistics_zone())::date"
    )
    is_first = await value(
        db, "select extract(day from clock_timestamp() at time zone sms.statistics_zone()) = 1"
    )
    await insert(db, "budget", budget="mass", channel="mass", month=month, amount=145, warn_at=0.75)
    told = await values(db)
    assert told[key("outbox_money_today", channel="mass")] == 42.5
    assert told[key("outbox_money_today", channel="single")] == 0
    spent = 42.5 if is_first else 72.5
    ratio = told[key("outbox_budget_spent_ratio", budget="mass")]
    assert ratio == pytest.approx(spent / 145, abs=1e-4)
    assert told[key("outbox_budget_warn_ratio", budget="mass")] == 0.75


async def test_what_a_provider_has_left(db: AsyncConnection) -> None:
    told = await values(db)
    assert not [name for name, _ in told if name.startswith("outbox_provider_balance")]
    await db.execute(
        """
        insert into sms.provider_balance as b (provider_id, at, amount, currency, warn_below)
        select p.provider_id, clock_timestamp(), 120.5, 'RUB', 500 from sms.provider as p
         where p.provider = 'post'
        on conflict (provider_id) do update
           set at = excluded.at, amount = excluded.amount, currency = excluded.currency,
               warn_below = excluded.warn_below
        """
    )
    told = await values(db)
    assert told[key("outbox_provider_balance", provider="post", currency="RUB")] == 120.5
    assert told[key("outbox_provider_balance_limit", provider="post", currency="RUB")] == 500


async def test_people_of_campaigns_who_wait(db: AsyncConnection) -> None:
    campaign_id = await insert(db, "campaign", campaign="spring")
    other = await insert(db, "campaign", campaign="over")
    run = {"channel": "mass", "frozen_at": await now(db), "recipients": 100}
    await insert(db, "campaign_run", campaign_id=campaign_id, state="running", waiting=40, **run)
    await insert(db, "campaign_run", campaign_id=campaign_id, state="paused", waiting=2, **run)
    await insert(db, "campaign_run", campaign_id=other, state="finished", waiting=0, **run)
    told = await values(db)
    assert told[key("outbox_campaign_waiting_recipients", campaign="spring")] == 42
    assert key("outbox_campaign_waiting_recipients", campaign="over") not in told


async def test_statistics_that_wait_to_be_counted(db: AsyncConnection) -> None:
    await db.execute("delete from sms.stat_dirty")
    await db.execute("delete from sms.month_volume")
    told = await values(db)
    assert told[key("outbox_statistics_stale_periods")] == 0
    assert told[key("outbox_statistics_behind_seconds")] == 0

    await db.execute("insert into sms.stat_dirty (hour_no) values (1000), (1000), (1001)")
    told = await values(db)
    assert told[key("outbox_statistics_stale_periods")] == 2
    since = await value(
        db, "select extract(epoch from clock_timestamp() - sms.stat_hour_at(1000))::float8"
    )
    assert told[key("outbox_statistics_behind_seconds")] == pytest.approx(since, abs=5)

    await db.execute(
        "insert into sms.month_volume (month, provider_id, operator_id, category, segments,"
        "                              counted_at)"
        " values ('2026-10-01', 0, 0, 'service', 1, clock_timestamp() - interval '100 seconds')"
    )
    told = await values(db)
    assert told[key("outbox_statistics_behind_seconds")] == pytest.approx(100, abs=5)


async def test_every_value_has_a_meaning_and_every_meaning_a_value(db: AsyncConnection) -> None:
    source = await value(db, "select prosrc from pg_proc where proname = 'metric_values'")
    told = {name for name, _ in await values(db)}
    assert told <= set(MEANINGS)
    assert {name for name in MEANINGS if f"'{name}'" not in source} == set()


@pytest.mark.parametrize("role", ["sms_dlr", "sms_erp", "sms_analyst"])
async def test_who_only_hears_or_asks_is_not_told(tx: AsyncConnection, role: str) -> None:
    await tx.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await monitoring.metric_values(tx)
