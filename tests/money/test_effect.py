"""What followed messages, and what was caused by them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.factory import claim, insert, insert_many, number, row, rows, settle, value

NOW = datetime.now(UTC)
LATER = {"not_before": NOW, "expires_at": NOW + timedelta(days=300)}
SPAN = (NOW - timedelta(days=30), NOW + timedelta(days=30))


@pytest.fixture
async def goal(db: AsyncConnection) -> int:
    return await insert(db, "goal", goal="payment", attribution_window="3 days")


async def send(db: AsyncConnection, *requests: dict[str, Any], at: datetime = NOW) -> list[int]:
    """Messages handed over at a moment; what holdout suppresses is decided then."""
    ids = await insert_many(
        db, [{"not_before": NOW, "expires_at": NOW + timedelta(days=300), **r} for r in requests]
    )
    while (claimed := await claim(db, as_of=datetime.now(UTC))).judged:
        if claimed.ids:
            await settle(db, claimed.claim_id, claimed.ids, segments=1)
    await db.execute(
        """
        update sms.outcome set decided_at = %s,
               submitted_at = case when submitted_at is not null then %s::timestamptz end
         where id = any (%s)
        """,
        [at, at, ids],
    )
    return ids


async def convert(
    db: AsyncConnection, goal_id: int, client_id: int, after: timedelta, amount: float | None = None
) -> None:
    await insert(
        db,
        "conversion",
        goal_id=goal_id,
        client_id=client_id,
        occurred_at=NOW + after,
        amount=amount,
    )


async def test_last_touch_counts_once_and_any_touch_each(db: AsyncConnection, goal: int) -> None:
    first = await insert(db, "campaign", campaign="first")
    second = await insert(db, "campaign", campaign="second")
    person = {"client_id": 1, "phone": str(number(1))}
    await send(db, {**person, "campaign_id": first}, at=NOW - timedelta(days=2))
    await send(db, {**person, "campaign_id": second, "body": "other"}, at=NOW - timedelta(days=1))
    await convert(db, goal, 1, timedelta(hours=1), 100)
    await convert(db, goal, 1, timedelta(days=1, hours=12), 50)  # after the window of the first
    await convert(db, goal, 1, timedelta(days=-5), 1000)  # before both
    await convert(db, goal, 1, timedelta(days=9), 1000)  # after both windows

    async def told(touch: str) -> dict[str, tuple[int, int]]:
        found = await rows(
            db, "select * from sms.effect('payment', %s, %s, '{campaign}', %s)", *SPAN, touch
        )
        return {r["campaign"]: (r["conversions"], int(r["revenue"])) for r in found}

    assert await told("last") == {"first": (0, 0), "second": (2, 150)}
    assert await told("any") == {"first": (1, 100), "second": (2, 150)}


async def test_months_do_not_both_tell_of_one_conversion(db: AsyncConnection, goal: int) -> None:
    person = {"client_id": 1, "phone": str(number(1))}
    await send(db, person, at=NOW)
    await send(db, {**person, "body": "other"}, at=NOW + timedelta(days=2))
    await convert(db, goal, 1, timedelta(days=2, hours=1), 100)
    turn = NOW + timedelta(days=1)
    months = [
        await value(
            db, "select sum(conversions) from sms.effect('payment', %s, %s, '{}')", start, until
        )
        for start, until in ((SPAN[0], turn), (turn, SPAN[1]))
    ]
    assert months == [0, 1]


async def test_who_no_provider_took_stays_on_the_side_of_those_who_were_to_get_it(
    db: AsyncConnection, goal: int
) -> None:
    campaign_id = await insert(db, "campaign", campaign="spring")
    for n in (1, 2):
        await insert_many(
            db,
            [{"client_id": n, "phone": str(number(n)), "campaign_id": campaign_id, **LATER}],
        )
    claimed = await claim(db, as_of=datetime.now(UTC))
    await settle(db, claimed.claim_id, claimed.ids[:1], segments=1)
    await settle(db, claimed.claim_id, claimed.ids[1:], "rejected", segments=1)
    assert (await row(db, "select * from sms.uplift('payment', 'spring')"))["treated"] == 2
    [told] = await rows(db, "select * from sms.effect('payment', %s, %s)", *SPAN)
    assert told["messages"] == 1


async def test_all_time_may_be_asked_for(db: AsyncConnection, goal: int) -> None:
    await send(db, {"client_id": 1})
    [told] = await rows(db, "select * from sms.effect('payment', '-infinity', 'infinity')")
    assert told["messages"] == 1


async def test_effect_tells_people_money_and_time(db: AsyncConnection, goal: int) -> None:
    await db.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 2 from sms.provider"
    )
    await send(db, *({"client_id": n, "phone": str(number(n))} for n in range(1, 11)))
    for n in (1, 2, 3):
        await convert(db, goal, n, timedelta(hours=n), 20)
    [told] = await rows(db, "select * from sms.effect('payment', %s, %s, '{channel}')", *SPAN)
    assert (told["channel"], told["clients"], told["messages"]) == ("single", 10, 10)
    assert (told["converted"], told["conversion_rate"]) == (3, Decimal("0.3"))
    assert (told["revenue"], told["cost"], told["revenue_per_unit"]) == (60, 20, 3)
    assert told["took_p50"] == timedelta(hours=2)


async def test_effect_is_told_by_audience(db: AsyncConnection, goal: int) -> None:
    await db.execute(
        "select sms.save_audience('neighbours', 'select client_id, phone from erp.client')"
    )
    near = await insert(db, "campaign", campaign="near", audience="neighbours")
    far = await insert(db, "campaign", campaign="far", audience="neighbours")
    await send(db, {"client_id": 1, "phone": str(number(1)), "campaign_id": near})
    await send(db, {"client_id": 2, "phone": str(number(2)), "campaign_id": far})
    [told] = await rows(db, "select * from sms.effect('payment', %s, %s, '{audience}')", *SPAN)
    assert (told["audience"], told["clients"], told["campaign"]) == ("neighbours", 2, None)


async def test_uplift_compares_with_the_held_out(db: AsyncConnection, goal: int) -> None:
    campaign_id = await insert(db, "campaign", campaign="spring", holdout_percent=30)
    requests = [
        {"client_id": n, "phone": str(number(n)), "campaign_id": campaign_id, "channel": "planned"}
        for n in range(1, 401)
    ]
    await send(db, *requests)
    held_out = await value(db, "select count(*) from sms.message where reason = 'holdout'")
    assert 80 < held_out < 160
    # Every tenth and every fourth of a side, whoever the lot put there.
    sides = await rows(
        db,
        """
        select array_agg(client_id) filter (where reason is not null) as held_out,
               array_agg(client_id) filter (where reason is null) as treated from sms.message
        """,
    )
    did = [*sides[0]["held_out"][::10], *sides[0]["treated"][::4]]
    for client_id in did:
        await convert(db, goal, client_id, timedelta(hours=5), 10)
    # Twice by one person is one person; somebody else's conversion is nobody's.
    await convert(db, goal, did[-1], timedelta(hours=6), 10)
    await convert(db, goal, 9999, timedelta(hours=6), 10)

    told = await row(db, "select * from sms.uplift('payment', 'spring')")

    assert told["treated"] + told["held_out"] == 400
    assert told["held_out"] == held_out
    assert told["treated_rate"] == pytest.approx(Decimal("0.25"), abs=Decimal("0.01"))
    assert told["low"] < told["uplift"] < told["high"]
    assert told["uplift"] == pytest.approx(
        told["treated_rate"] - told["held_out_rate"], abs=Decimal("0.000002")
    )
    assert told["revenue_low"] < told["revenue_uplift"] < told["revenue_high"]
    assert told["verdict"] == "it works"


async def test_a_campaign_without_holdout_has_nothing_to_compare_with(
    db: AsyncConnection, goal: int
) -> None:
    campaign_id = await insert(db, "campaign", campaign="all of them")
    await send(db, {"client_id": 1, "campaign_id": campaign_id})
    told = await row(db, "select * from sms.uplift('payment', 'all of them')")
    assert (told["low"], told["high"]) == (None, None)
    assert "nobody was held out" in told["verdict"]


@pytest.mark.parametrize(
    ("treated", "held_out", "p1", "p2", "confidence"),
    [
        (3000, 600, 0.08, 0.05, 0.95),
        (3000, 300, 0.02, 0.02, 0.95),
        (400, 100, 0.30, 0.20, 0.90),
        (900, 900, 0.01, 0.005, 0.80),
    ],
)
async def test_the_interval_holds_the_truth_as_often_as_it_claims(
    tx: AsyncConnection, treated: int, held_out: int, p1: float, p2: float, confidence: float
) -> None:
    """Five hundred campaigns of a known effect: three standard errors of the share allowed."""
    dice = random.Random(20261123)
    drawn = [
        (
            sum(dice.random() < p1 for _ in range(treated)),
            sum(dice.random() < p2 for _ in range(held_out)),
        )
        for _ in range(500)
    ]
    held = await value(
        tx,
        """
        select avg((i.low <= %s and i.high >= %s)::int)::float8
          from unnest(%s::int[], %s::int[]) as d (x1, x2)
         cross join lateral sms.uplift_interval(%s, d.x1, %s, d.x2, %s::numeric) as i
        """,
        p1 - p2,
        p1 - p2,
        [x1 for x1, _ in drawn],
        [x2 for _, x2 in drawn],
        treated,
        held_out,
        confidence,
    )
    error = (confidence * (1 - confidence) / len(drawn)) ** 0.5
    assert abs(held - confidence) < 3 * error + 0.01


async def test_the_interval_is_newcombes(tx: AsyncConnection) -> None:
    """The example of the paper: 56/70 against 48/80 is 0.2 [0.0524, 0.3339]."""
    found = await row(tx, "select * from sms.uplift_interval(70, 56, 80, 48, 0.95)")
    assert (round(found["low"], 4), round(found["high"], 4)) == (
        Decimal("0.0524"),
        Decimal("0.3339"),
    )


async def test_a_month_tells_also_of_what_belongs_to_no_campaign(
    db: AsyncConnection, goal: int
) -> None:
    """A reminder beside a campaign, as in every company: the month's report asks for both."""
    spring = await insert(db, "campaign", campaign="spring")
    await send(db, {"client_id": 1, "phone": str(number(1)), "campaign_id": spring})
    await send(db, *({"client_id": n, "phone": str(number(n))} for n in (2, 3)))
    await convert(db, goal, 2, timedelta(hours=1), 20)
    month = await value(
        db, "select date_trunc('month', %s at time zone sms.statistics_zone())::date", NOW
    )
    told = await rows(db, "select * from sms.month_effect(%s)", month)
    assert [(line["campaign"], line["clients"], line["converted"]) for line in told] == [
        (None, 2, 1),
        ("spring", 1, 0),
    ]
    assert told[0]["verdict"] is None
    assert told[1]["verdict"] == "nobody was held out: nothing to compare with"


async def test_a_difference_of_next_to_nothing_takes_more_people_than_there_are(
    tx: AsyncConnection,
) -> None:
    found = await row(tx, "select * from sms.uplift_interval(3000001, 1000000, 3000004, 1000001)")
    assert found["uplift"] < Decimal("1e-12")
    assert found["needed"] > 10**18


@pytest.mark.parametrize("role", ["sms_analyst", "sms_operator"])
async def test_counts_from_elsewhere_may_be_compared(as_role: AsRole, role: str) -> None:
    asker = await as_role(role)
    assert await value(asker, "select uplift from sms.uplift_interval(70, 56, 80, 48)") > 0
    with pytest.raises(psycopg.Error, match="of 10 people 20 cannot have converted"):
        await asker.execute("select * from sms.uplift_interval(10, 20, 5, 1)")


async def test_unknown_names_are_sentences(db: AsyncConnection, goal: int) -> None:
    for query, sentence in (
        ("select sms.uplift('x', 'y')", 'unknown goal "x"'),
        ("select sms.uplift('payment', 'y')", 'unknown campaign "y"'),
        ("select sms.effect('payment', now(), now(), '{shoe}')", "cannot be asked so"),
    ):
        with pytest.raises(psycopg.Error, match=sentence):
            async with db.transaction():
                await db.execute(query)
