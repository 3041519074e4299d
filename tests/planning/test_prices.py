"""Prices by tariff, step and scenario, agreeing with what the database charges."""

from __future__ import annotations

import random
from datetime import date

import pytest
from psycopg import AsyncConnection

from planning.prices import Price, PriceList, Traffic
from planning.scenarios import SCENARIOS, bill
from tests.support.factory import insert, make_provider, value

MAY = date(2026, 5, 1)
OTP = Traffic(channel="otp", category="authorization", priority=0, operator="mts")
MASS = Traffic(channel="mass", category="service", priority=2, operator="mts")


def price(provider: str, amount: float, **columns: object) -> Price:
    full = {"operator": None, "category": None, "from_segments": 0, "since": None, "until": None}
    return Price(provider=provider, price=amount, **{**full, **columns})  # type: ignore[arg-type]


def test_steps_are_paid_step_by_step() -> None:
    listed = PriceList(
        [price("a", 3), price("a", 2, from_segments=100), price("a", 1, from_segments=300)]
    )
    paid = bill("as now", MAY, {MASS: 400}, prices=listed, now={MASS: {"a": 1.0}})
    assert paid.total == pytest.approx(100 * 3 + 200 * 2 + 100 * 1)


def test_steps_count_what_comes_together() -> None:
    listed = PriceList([price("a", 3), price("a", 2, from_segments=100)])
    now = {OTP: {"a": 1.0}, MASS: {"a": 1.0}}
    paid = bill("as now", MAY, {OTP: 100, MASS: 100}, prices=listed, now=now)
    assert paid.total == pytest.approx(500)


def test_a_new_tariff_holds_from_its_day() -> None:
    listed = PriceList(
        [price("a", 2, until=date(2026, 5, 11)), price("a", 4, since=date(2026, 5, 11))]
    )
    paid = bill("as now", MAY, {MASS: 310}, prices=listed, now={MASS: {"a": 1.0}})
    assert paid.total == pytest.approx(100 * 2 + 210 * 4)


def test_scenarios_choose_by_price_and_urgency() -> None:
    listed = PriceList([price("cheap", 1), price("dear", 5), price("dear", 4, category="service")])
    now = {OTP: {"cheap": 0.5, "dear": 0.5}, MASS: {"cheap": 1.0}}
    segments = {OTP: 10.0, MASS: 100.0}
    totals = {s: bill(s, MAY, segments, prices=listed, now=now).total for s in SCENARIOS}
    assert totals == {
        "as now": 30 + 100,
        "all cheap": 110,
        "all dear": 50 + 400,
        "urgent dear, rest cheap": 50 + 100,
    }


def test_what_has_no_tariff_is_unknown_not_free() -> None:
    listed = PriceList([price("a", 1, until=date(2026, 5, 20))])
    paid = bill("as now", MAY, {MASS: 10}, prices=listed, now={MASS: {"a": 1.0}})
    assert paid.total is None


@pytest.mark.parametrize("seed", range(8))
async def test_segment_by_segment_it_is_what_the_database_charges(
    tx: AsyncConnection, seed: int
) -> None:
    """Scopes and steps at random, first steps missing too; the volume grows by a step's half."""
    dice = random.Random(seed)
    provider_id = await make_provider(tx, "a", point_lanes=False)
    mts = await value(tx, "select operator_id from sms.operator where operator = 'mts'")
    rows = []
    for operator in (mts, None):
        for category in ("service", "advertising", None):
            for step in (0, 100, 200):
                if dice.random() < 0.4:
                    name, amount = "mts" if operator else None, round(dice.uniform(1, 9), 2)
                    rows.append(
                        price("a", amount, operator=name, category=category, from_segments=step)
                    )
                    await insert(
                        tx, "tariff", provider_id=provider_id, price=amount, category=category,
                        operator_id=operator, from_segments=step,
                    )  # fmt: skip
    charged: list[float | None] = []
    for volume in range(0, 400, 50):
        await tx.execute("truncate sms.month_volume")
        await insert(
            tx, "month_volume", month=MAY, provider_id=provider_id, operator_id=mts,
            category="service", segments=volume, counted_at="now",
        )  # fmt: skip
        charged.append(
            await value(
                tx, "select sms.segment_price(%s::smallint, %s, 'service', '2026-05-15Z')::float8",
                provider_id, mts,
            )
        )  # fmt: skip
    known = [amount for amount in charged if amount is not None]
    total = sum(known) * 50 if len(known) == len(charged) else None

    billed = bill("as now", MAY, {MASS: 400}, prices=PriceList(rows), now={MASS: {"a": 1.0}}).total

    assert billed == (None if total is None else pytest.approx(total))
