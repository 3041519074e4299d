"""Steps of tariffs, currencies, monthly fees, and what was billed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from tests.conftest import AsRole
from tests.support.factory import (
    PROVIDER,
    claim,
    insert,
    insert_outbox,
    message,
    rows,
    settle,
    value,
)

NOW = datetime.now(UTC)


async def add_tariff(db: AsyncConnection, price: str, **columns: object) -> None:
    provider_id = await value(
        db, "select provider_id from sms.provider where provider = %s", PROVIDER
    )
    await insert(db, "tariff", provider_id=provider_id, price=price, **columns)


async def cost_of_one(db: AsyncConnection, segments: int, **request: object) -> Decimal | None:
    """Send one message of so many segments; what it is expected to cost."""
    message_id = await insert_outbox(db, **request)
    claimed = await claim(db, as_of=datetime.now(UTC))
    assert claimed.ids == [message_id]
    await settle(db, claimed.claim_id, [message_id], segments=segments)
    cost: Decimal | None = (await message(db, message_id))["cost"]
    return cost


async def test_a_step_holds_once_the_months_volume_reached_it(db: AsyncConnection) -> None:
    await add_tariff(db, "3.00")
    await add_tariff(db, "2.00", from_segments=10)
    await add_tariff(db, "1.00", from_segments=1000)
    future = {"not_before": NOW, "expires_at": NOW + timedelta(days=365)}

    assert await cost_of_one(db, 6, **future) == 18
    await db.execute("select sms.roll_up_statistics()")
    assert await cost_of_one(db, 6, **future) == 18  # 6 were sent
    await db.execute("select sms.roll_up_statistics()")
    assert await cost_of_one(db, 6, **future) == 12  # 12 were


async def test_a_step_counts_only_what_its_row_covers(db: AsyncConnection) -> None:
    operator_id = await value(db, "select operator_id from sms.operator where operator = 'mts'")
    await add_tariff(db, "3.00")
    await add_tariff(db, "2.00", from_segments=10)
    await add_tariff(db, "5.00", operator_id=operator_id)
    await add_tariff(db, "4.00", operator_id=operator_id, from_segments=10)
    future = {"not_before": NOW, "expires_at": NOW + timedelta(days=365)}
    await cost_of_one(db, 12, **future)  # to another operator
    await db.execute("select sms.roll_up_statistics()")
    prices = await rows(
        db,
        """
        select o.operator,
               sms.segment_price(p.provider_id, o.operator_id, 'service', now()) as price
          from sms.provider as p, sms.operator as o
         where p.provider = %s and o.operator in ('mts', 'other') order by 1
        """,
        PROVIDER,
    )
    assert [row["price"] for row in prices] == [Decimal(5), Decimal(2)]


async def test_a_foreign_price_is_counted_in_the_own_currency(db: AsyncConnection) -> None:
    await add_tariff(db, "0.05", currency="USD")
    future = {"not_before": NOW, "expires_at": NOW + timedelta(days=365)}
    assert await cost_of_one(db, 2, **future) is None  # no rate: unknown, not zero
    await insert(db, "exchange_rate", currency="USD", valid_from="2020-01-01", rate="80")
    await insert(db, "exchange_rate", currency="USD", valid_from="2021-01-01", rate="90.5")
    assert await cost_of_one(db, 2, **future) == Decimal("9.05")


async def test_a_currency_that_is_none_is_refused(db: AsyncConnection) -> None:
    """Every cost would be unknown from then on, and nothing would say so."""
    with pytest.raises(psycopg.errors.CheckViolation, match="currency is three capitals"):
        await db.execute("update sms.setting set value = 'rubles' where setting = 'currency'")


async def test_fees_are_charged_for_each_month_they_touch(db: AsyncConnection) -> None:
    provider_id = await value(
        db, "select provider_id from sms.provider where provider = %s", PROVIDER
    )
    await insert(
        db, "monthly_fee", provider_id=provider_id, kind="sender", subject="BANK", amount=5000,
        valid_from="2026-01-15", valid_until="2026-03-02",
    )  # fmt: skip
    await insert(
        db, "monthly_fee", provider_id=provider_id, kind="account", amount=100,
        valid_from="2026-02-01", valid_until="2026-03-01",
    )  # fmt: skip
    fees = await rows(db, "select month::text, fees from sms.month_money order by month")
    assert [tuple(row.values()) for row in fees] == [
        ("2026-01-01", 5000),
        ("2026-02-01", 5100),
        ("2026-03-01", 5000),
    ]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"kind": "sender", "amount": 1}, "a sender's or template's fee names it"),
        ({"kind": "account", "amount": -1}, "a fee is not negative"),
        (
            {"kind": "account", "amount": 1, "valid_until": "2025-12-31"},
            "a fee ends after it began",
        ),
    ],
)
async def test_nonsense_fees_are_refused_in_a_sentence(
    db: AsyncConnection, columns: dict[str, object], sentence: str
) -> None:
    provider_id = await value(
        db, "select provider_id from sms.provider where provider = %s", PROVIDER
    )
    with pytest.raises(psycopg.Error, match=sentence):
        await insert(
            db, "monthly_fee", provider_id=provider_id, **{"valid_from": "2026-01-01", **columns}
        )


async def test_what_was_billed_is_told_beside_what_was_expected(db: AsyncConnection) -> None:
    await add_tariff(db, "2.00")
    future = {"not_before": NOW, "expires_at": NOW + timedelta(days=365)}
    await cost_of_one(db, 3, **future)
    await db.execute("update sms.outcome set billed_cost = 6.3")
    await cost_of_one(db, 1, channel="mass", **future)
    await db.execute("select sms.roll_up_statistics()")
    [told] = await rows(db, "select * from sms.billing_difference")
    assert (told["expected"], told["billed"], told["difference"]) == (
        6,
        Decimal("6.3"),
        Decimal("0.3"),
    )


async def test_only_what_was_billed_is_compared(db: AsyncConnection) -> None:
    """Of two alike the provider tells the charge of one: the other is no difference."""
    await add_tariff(db, "2.00")
    future = {"not_before": NOW, "expires_at": NOW + timedelta(days=365)}
    await cost_of_one(db, 1, **future)
    await cost_of_one(db, 1, body="another", **future)
    await db.execute(
        "update sms.outcome set billed_cost = 2.5 where id = (select min(id) from sms.outcome)"
    )
    await db.execute("select sms.roll_up_statistics()")
    [told] = await rows(db, "select * from sms.billing_difference")
    assert (told["messages"], told["billed_messages"]) == (2, 1)
    assert (told["expected"], told["difference"]) == (2, Decimal("0.5"))


@pytest.mark.parametrize("role", ["sms_analyst", "sms_operator", "sms_monitor"])
async def test_money_may_be_read(as_role: AsRole, role: str) -> None:
    reader = await as_role(role)
    for view in ("month_money", "billing_difference"):
        await reader.execute(sql.SQL("select * from {}").format(sql.Identifier("sms", view)))
