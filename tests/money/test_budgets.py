"""Money is counted as it is spent, and a budget that is used up stops messages."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    claim,
    insert,
    insert_many,
    insert_outbox,
    mark,
    message,
    number,
    row,
    rows,
    settle,
    value,
)

NOW = datetime.now(UTC)
LATER = {"not_before": NOW, "expires_at": NOW + timedelta(days=30)}


@pytest.fixture
async def priced(db: AsyncConnection) -> AsyncConnection:
    """Every segment costs 2.50."""
    await db.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 2.5 from sms.provider"
    )
    return db


async def send(db: AsyncConnection, count: int, **request: Any) -> list[int]:
    ids = await insert_many(
        db, [{**LATER, "phone": str(number(n)), **request} for n in range(1, count + 1)]
    )
    claimed = await claim(db, limit=1000, as_of=datetime.now(UTC))
    if claimed.ids:
        await settle(db, claimed.claim_id, claimed.ids, segments=2)
    return ids


async def ledger(db: AsyncConnection) -> Decimal:
    found: Decimal = await value(
        db,
        """
        select coalesce((select sum(amount) from sms.spend), 0)
               + coalesce((select sum(amount) from sms.spend_day), 0)
        """,
    )
    return found


async def test_a_channels_budget_stops_what_comes_after_it(priced: AsyncConnection) -> None:
    await insert(priced, "budget", budget="mass this year", channel="mass", amount=14)
    first = await send(priced, 3, channel="mass")  # 3 x 2 segments x 2.50 = 15
    second = await send(priced, 2, channel="mass", body="another")
    other = await send(priced, 1, channel="single")

    assert {(await message(priced, i))["state"] for i in first} == {"accepted"}
    stopped = [await message(priced, i) for i in second]
    assert {(m["state"], m["reason"]) for m in stopped} == {("suppressed", "budget")}
    assert stopped[0]["detail"] == 'budget "mass this year" is used up: 15.00 of 14.00'
    assert (await message(priced, other[0]))["state"] == "accepted"


async def test_a_budget_that_only_warns_lets_go_and_tells_once(priced: AsyncConnection) -> None:
    await insert(priced, "budget", budget="all", amount=20, warn_at="0.5", stops=False)
    await send(priced, 1)
    assert await value(priced, "select sms.watch_budgets()") == 0
    await send(priced, 2, body="more")
    assert await value(priced, "select sms.watch_budgets()") == 1  # 15 of 20
    assert await value(priced, "select sms.watch_budgets()") == 0
    await send(priced, 2, body="and more")
    assert await value(priced, "select sms.watch_budgets()") == 1  # 25 of 20
    assert await value(priced, "select sms.watch_budgets()") == 0
    told = await rows(
        priced,
        "select action, detail ->> 'spent' as spent from sms.activity"
        " where kind = 'budget' order by 1 desc",
    )
    assert [tuple(r.values()) for r in told] == [("warned", "15.00"), ("used up", "25.00")]
    last = await send(priced, 1, body="and still")
    assert (await message(priced, last[0]))["state"] == "accepted"


async def test_months_count_apart(priced: AsyncConnection) -> None:
    await send(priced, 4, channel="mass")  # 20
    await priced.execute("update sms.spend set day = day - 40")
    await insert(priced, "budget", budget="each month", amount=10)
    await priced.execute(
        """
        insert into sms.budget (budget, amount, month)
        select 'the last', 1, (date_trunc('month', now() at time zone 'Europe/Moscow')
                               - interval '1 month')::date
        """
    )
    now = await send(priced, 1, channel="mass", body="now")
    assert (await message(priced, now[0]))["state"] == "accepted"
    await send(priced, 1, channel="mass", body="now too")
    late = await send(priced, 1, channel="mass", body="too late")
    assert (await message(priced, late[0]))["reason"] == "budget"


async def test_a_campaigns_budget_is_its_own(priced: AsyncConnection) -> None:
    one = await insert(priced, "campaign", campaign="one")
    two = await insert(priced, "campaign", campaign="two")
    await insert(priced, "budget", budget="of one", campaign_id=one, amount=5)
    await send(priced, 1, campaign_id=one)
    stopped = await send(priced, 1, campaign_id=one, body="b")
    free = await send(priced, 1, campaign_id=two, body="c")
    assert (await message(priced, stopped[0]))["reason"] == "budget"
    assert (await message(priced, free[0]))["state"] == "accepted"


async def test_explain_tells_the_budgets(priced: AsyncConnection) -> None:
    await insert(priced, "budget", budget="mass", channel="mass", amount=3)
    await send(priced, 1, channel="mass")
    stopped = await send(priced, 1, channel="mass", body="b")
    told = await row(
        priced, "select * from sms.explain(%s) where topic = 'rule budget'", stopped[0]
    )
    assert (told["verdict"], told["reason"]) == ("suppress", "budget")
    assert told["facts"]["budgets"][0]["of"] == 3
    passed = await insert_outbox(priced, channel="single", **LATER)
    told = await row(priced, "select * from sms.explain(%s) where topic = 'rule budget'", passed)
    assert (told["verdict"], told["detail"]) == ("pass", "no budget pays for it")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"amount": -1}, "a budget is not negative"),
        ({"amount": 1, "month": "2026-11-02"}, "a month is named by its first day"),
        ({"amount": 1, "warn_at": 2}, "warn_at is a share between 0 and 1"),
        ({"amount": 1, "budget": " "}, "a budget has a name"),
    ],
)
async def test_nonsense_is_refused_in_a_sentence(
    db: AsyncConnection, columns: dict[str, object], sentence: str
) -> None:
    with pytest.raises(psycopg.Error, match=sentence):
        await insert(db, "budget", **{"budget": "x", **columns})


@pytest.mark.parametrize("seed", range(4))
async def test_the_ledger_is_what_messages_cost(priced: AsyncConnection, seed: int) -> None:
    """Whatever answers come, whatever is resolved, folded or not: to the kopeck."""
    dice = random.Random(seed)
    ids = await insert_many(
        priced,
        [
            {**LATER, "phone": str(number(n)), "channel": dice.choice(["single", "mass"])}
            for n in range(1, 61)
        ],
    )
    for _ in range(25):
        claimed = await claim(priced, limit=dice.randrange(1, 12), as_of=datetime.now(UTC))
        if claimed.ids:
            await mark(priced, claimed.claim_id, claimed.ids)
            await priced.execute(
                "select sms.settle(%s, %s, %s, %s::smallint[], %s::text[], %s::int[])",
                [
                    claimed.claim_id,
                    claimed.ids,
                    [
                        dice.choice(["accepted", "rejected", "retry", "uncertain"])
                        for _ in claimed.ids
                    ],
                    [dice.randrange(1, 5) for _ in claimed.ids],
                    [None] * len(claimed.ids),
                    [0] * len(claimed.ids),
                ],
            )
        verdict = dice.choice(["accepted", "resend", "absent"])
        await priced.execute("select sms.resolve_uncertain(%s, %s)", [dice.sample(ids, 5), verdict])
        if dice.random() < 0.2:
            await priced.execute("select sms.watch_budgets()")
    costs = await value(
        priced, "select coalesce(sum(cost), 0) from sms.outcome where submitted_at is not null"
    )
    assert costs > 0
    assert await ledger(priced) == costs


async def test_what_the_provider_billed_is_kept_beside_what_was_expected(
    priced: AsyncConnection,
) -> None:
    message_id = await insert_outbox(priced, **LATER)
    claimed = await claim(priced, as_of=datetime.now(UTC))
    await priced.execute(
        """
        select sms.settle(%s, %s, '{accepted}', '{2}', '{null}', '{null}',
                          p_cost_ids => %s, p_costs => '{5.4321}')
        """,
        [claimed.claim_id, claimed.ids, claimed.ids],
    )
    found = await row(priced, "select cost, billed_cost from sms.outcome where id = %s", message_id)
    assert found == {"cost": 5, "billed_cost": Decimal("5.4321")}


async def test_a_raised_budget_is_told_of_again(priced: AsyncConnection) -> None:
    await insert(priced, "budget", budget="all", amount=5)
    await send(priced, 1)
    assert await value(priced, "select sms.watch_budgets()") == 1  # 5 of 5
    await priced.execute("update sms.budget set amount = 10")
    assert await value(priced, "select sms.watch_budgets()") == 0  # 5 of 10
    await send(priced, 1, body="more")
    assert await value(priced, "select sms.watch_budgets()") == 1  # 10 of 10
    assert await value(priced, "select sms.watch_budgets()") == 0


async def test_a_dry_run_stops_at_a_used_up_budget(priced: AsyncConnection) -> None:
    await insert(priced, "budget", budget="mass", channel="mass", amount=5)
    await send(priced, 1, channel="mass")
    for channel, topic in (("mass", "suppressed"), ("single", "kept")):
        told = await rows(
            priced,
            """
            select key, messages from sms.dry_run($$ select '9070000002' as phone $$,
                   p_channel => %s, p_body => 'x', p_as_of => now()) where topic = %s
            """,
            channel,
            topic,
        )
        assert [r["messages"] for r in told] == [1], (channel, told)


async def test_a_vanished_workers_messages_are_priced_by_their_text(
    priced: AsyncConnection,
) -> None:
    ids = await insert_many(
        priced,
        [{**LATER, "phone": str(number(n)), "body": "Кириллица " * 10 * n} for n in (1, 2)],
    )
    claimed = await claim(priced, as_of=datetime.now(UTC))
    await mark(priced, claimed.claim_id, claimed.ids)
    await priced.execute("select sms.expire_leases(p_as_of => now() + interval '1 day')")
    found = [await message(priced, message_id) for message_id in ids]
    assert [(m["state"], m["segments"], m["cost"]) for m in found] == [
        ("uncertain", 2, 5),
        ("uncertain", 3, Decimal("7.5")),
    ]
    assert await ledger(priced) == Decimal("12.5")
    await priced.execute("select sms.resolve_uncertain(%s, 'resend')", [ids])
    assert await ledger(priced) == 0
