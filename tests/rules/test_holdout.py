"""rule_holdout: a share of a campaign's audience gets nothing, and always the same people."""

from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import NOON
from tests.support.factory import (
    claim,
    fate,
    insert,
    insert_many,
    insert_outbox,
    message,
    number,
    value,
)

HELD = "suppressed(holdout)"


async def campaign(db: AsyncConnection, percent: float, name: str = "spring") -> int:
    """A campaign that holds out that share."""
    return await insert(db, "campaign", campaign=name, holdout_percent=percent)


async def held(db: AsyncConnection, campaign_id: int | None, people: range, **how: Any) -> set[int]:
    """Which of these clients are held out, each with a number of its own."""
    ids = await insert_many(
        db,
        [
            {"campaign_id": campaign_id, "client_id": n, "phone": str(number(n)), **how}
            for n in people
        ],
    )
    sent = set((await claim(db, limit=1000)).ids)
    return {n for n, message_id in zip(people, ids, strict=True) if message_id not in sent}


@pytest.mark.parametrize("percent", [5, 20, 50])
async def test_the_share_is_as_large_as_it_says(db: AsyncConnection, percent: float) -> None:
    key = await campaign(db, percent)
    drawn = await value(
        db,
        """
        select count(*) from generate_series(1, 20000) as n
         where sms.holdout_draw(%s, n, 79070000000 + n) < %s
        """,
        key,
        percent,
    )

    assert abs(drawn - 200 * percent) < 4 * (200 * percent * (1 - percent / 100)) ** 0.5


async def test_who_is_held_out_gets_nothing_and_the_others_get_all(db: AsyncConnection) -> None:
    key = await campaign(db, 20)

    out = await held(db, key, range(500))

    assert 60 < len(out) < 140
    reasons = await value(
        db, "select array_agg(distinct reason) from sms.message where state = 'suppressed'"
    )
    assert reasons == ["holdout"]


async def test_the_same_people_stay_out(db: AsyncConnection) -> None:
    key = await campaign(db, 20)

    assert await held(db, key, range(200)) == await held(db, key, range(200), body="again")


async def test_another_campaign_draws_others(db: AsyncConnection) -> None:
    first = await held(db, await campaign(db, 50, "one"), range(200))
    second = await held(db, await campaign(db, 50, "two"), range(200))

    assert first != second
    assert 20 < len(first & second) < 80


async def test_a_larger_share_takes_more_people_and_keeps_those_it_had(
    db: AsyncConnection,
) -> None:
    key = await campaign(db, 10)
    small = await held(db, key, range(200))
    await db.execute("update sms.campaign set holdout_percent = 40")
    large = await held(db, key, range(200))

    assert small < large


async def test_a_client_is_drawn_with_all_its_numbers(db: AsyncConnection) -> None:
    key = await campaign(db, 50)
    for client in range(10):
        requests = [
            {"campaign_id": key, "client_id": client, "phone": str(number(100 * client + n))}
            for n in range(4)
        ]
        ids = await insert_many(db, requests)
        await claim(db)

        assert len({await fate(db, message_id) for message_id in ids}) == 1


async def test_without_a_client_the_number_is_drawn(db: AsyncConnection) -> None:
    key = await campaign(db, 50)

    first = await held(db, key, range(100), client_id=None)

    assert 25 < len(first) < 75
    assert first == await held(db, key, range(100), client_id=None, body="again")


@pytest.mark.parametrize("percent", [0, None])
async def test_without_a_share_or_a_campaign_nobody_is_held_out(
    db: AsyncConnection, percent: float | None
) -> None:
    key = None if percent is None else await campaign(db, percent)

    assert await held(db, key, range(100)) == set()


async def test_the_detail_names_share_and_campaign(db: AsyncConnection) -> None:
    key = await campaign(db, 50)
    (out, *_) = await held(db, key, range(20))
    message_id = await insert_outbox(db, campaign_id=key, client_id=out, not_before=NOON)
    await claim(db)

    assert await fate(db, message_id) == HELD
    assert (await message(db, message_id))["detail"] == (
        "one of the 50.00 % of campaign spring that are held out"
    )
