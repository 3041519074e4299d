"""settle, retry_at, segment_price: every result closes an attempt once, for its holder."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON
from tests.support.factory import (
    PROVIDER,
    Claim,
    change_channel,
    claim,
    contacts,
    fate,
    hear,
    insert,
    insert_many,
    insert_outbox,
    mark,
    message,
    nothing_unaccounted,
    number,
    row,
    rows,
    settle,
    states,
    value,
)


async def claimed_one(db: AsyncConnection, **request: Any) -> tuple[Claim, int]:
    """A message that this test holds."""
    message_id = await insert_outbox(db, **request)
    claimed = await claim(db)
    assert claimed.ids == [message_id]
    return claimed, message_id


async def waits_for(db: AsyncConnection, message_id: int) -> timedelta:
    """How far from the server's clock the next attempt is."""
    answer: timedelta = await value(
        db, "select not_before - clock_timestamp() from sms.pending where id = %s", message_id
    )
    return answer


async def test_accepted_is_written_down_with_all_its_facts(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db, client_id=7, campaign_id=8)

    assert await settle(db, claimed.claim_id, [message_id], segments=2, detail="0: Accepted") == 1

    seen = await message(db, message_id)
    assert (seen["state"], seen["reason"], seen["detail"]) == ("accepted", None, "0: Accepted")
    assert (seen["provider"], seen["segments"], seen["attempts"]) == (PROVIDER, 2, 1)
    assert (seen["client_id"], seen["campaign_id"], seen["msisdn"]) == (7, 8, number(1))
    assert seen["submitted_at"] is not None
    assert seen["final_at"] is None
    assert await contacts(db, message_id) == 1
    assert await nothing_unaccounted(db)


async def test_rejected_is_final_and_gives_the_reservation_back(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)

    await settle(db, claimed.claim_id, [message_id], "rejected", detail="invalid destination")

    seen = await message(db, message_id)
    assert await fate(db, message_id) == "rejected(refused_by_provider)"
    assert (seen["detail"], seen["submitted_at"]) == ("invalid destination", None)
    assert seen["final_at"] is not None
    assert await contacts(db, message_id) == 0


async def test_uncertain_keeps_the_reservation_and_has_no_end_yet(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)

    await settle(db, claimed.claim_id, [message_id], "uncertain", detail="connection reset")

    seen = await message(db, message_id)
    assert (seen["state"], seen["detail"], seen["final_at"]) == (
        "uncertain",
        "connection reset",
        None,
    )
    assert seen["submitted_at"] is not None
    assert await contacts(db, message_id) == 1


async def test_retry_waits_in_the_queue_and_counts_the_attempt(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db, priority=2)
    before = await row(
        db,
        """
        select id, msisdn, expires_at, dedup_key, ref_hash, client_id, campaign_id,
               template_version_id, lane_id, zone_id, priority, attempt
          from sms.inflight
        """,
    )

    await settle(db, claimed.claim_id, [message_id], "retry")

    after = await row(db, "select * from sms.pending")
    assert {name: after[name] for name in before} == before
    assert await contacts(db, message_id) == 0
    assert await nothing_unaccounted(db)


@pytest.mark.parametrize(("result", "attempt"), [("retry", 2), ("throttled", 1), ("released", 1)])
async def test_only_a_retry_costs_an_attempt(
    db: AsyncConnection, result: str, attempt: int
) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], result, retry_after_s=0)
    await db.execute("update sms.pending set not_before = %s", [NOON])

    assert (await claim(db)).attempts == [attempt]


async def test_released_is_due_again_at_once(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], "released")

    assert (await claim(db)).ids == [message_id]


async def test_a_message_that_was_marked_may_still_be_released(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    assert await mark(db, claimed.claim_id, [message_id])

    assert await settle(db, claimed.claim_id, [message_id], "released") == 1
    assert await states(db, message_id) == ["pending"]


@pytest.mark.parametrize("result", ["retry", "throttled"])
async def test_the_providers_wish_decides_when_to_try_again(
    db: AsyncConnection, result: str
) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], result, retry_after_s=600)

    assert timedelta(seconds=590) < await waits_for(db, message_id) <= timedelta(seconds=600)


async def test_the_last_attempt_ends_failed(db: AsyncConnection) -> None:
    await change_channel(db, "single", max_attempts=2)
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], "retry", retry_after_s=0)
    await db.execute("update sms.pending set not_before = %s", [NOON])
    claimed = await claim(db)

    await settle(db, claimed.claim_id, [message_id], "retry", detail="queue full")

    seen = await message(db, message_id)
    assert await fate(db, message_id) == "failed(attempts_exhausted)"
    assert (seen["detail"], seen["attempts"], seen["submitted_at"]) == ("queue full", 2, None)
    assert await contacts(db, message_id) == 0


async def test_being_throttled_never_ends_in_failure(db: AsyncConnection) -> None:
    await change_channel(db, "single", max_attempts=1)
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], "throttled")

    assert await states(db, message_id) == ["pending"]


async def test_a_pause_never_reaches_beyond_the_validity(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db, expires_at=NOON + HOUR)
    await settle(db, claimed.claim_id, [message_id], "retry", retry_after_s=999_999_999)

    assert (await message(db, message_id))["not_before"] == NOON + HOUR
    await claim(db, as_of=NOON + HOUR)
    assert await fate(db, message_id) == "suppressed(expired)"


async def test_results_of_a_claim_may_differ_from_row_to_row(db: AsyncConnection) -> None:
    ids = await insert_many(db, [{"phone": str(number(n))} for n in range(6)])
    claimed = await claim(db)
    results = ["accepted", "rejected", "retry", "throttled", "uncertain", "released"]

    settled = await value(
        db,
        "select sms.settle(%s, %s, %s, %s::smallint[], %s, %s::int[])",
        claimed.claim_id,
        ids,
        results,
        [1, 2, 3, 4, 5, 6],
        [f"detail {n}" for n in range(6)],
        [None] * 6,
    )

    assert settled == 6
    assert await states(db, *ids) == [
        "accepted",
        "rejected",
        "pending",
        "pending",
        "uncertain",
        "pending",
    ]
    kept = await rows(db, "select segments, detail from sms.outcome order by id")
    assert [(seen["segments"], seen["detail"]) for seen in kept] == [
        (1, "detail 0"),
        (2, "detail 1"),
        (5, "detail 4"),
    ]


async def test_a_claim_may_be_settled_in_parts(db: AsyncConnection) -> None:
    first, second = await insert_many(db, [{}, {}])
    claimed = await claim(db)

    assert await settle(db, claimed.claim_id, [second]) == 1
    assert await states(db, first, second) == ["inflight", "accepted"]
    assert await settle(db, claimed.claim_id, [first], "retry") == 1
    assert await states(db, first, second) == ["pending", "accepted"]


@pytest.mark.parametrize("again", ["accepted", "rejected", "retry", "uncertain"])
async def test_settling_again_changes_nothing(db: AsyncConnection, again: str) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id])
    before = await message(db, message_id)

    assert await settle(db, claimed.claim_id, [message_id], again, detail="again") == 0
    assert await message(db, message_id) == before


async def test_nobody_settles_what_another_claim_holds(db: AsyncConnection) -> None:
    late, message_id = await claimed_one(db)
    await db.execute("select sms.expire_leases(p_as_of => %s)", [NOON + HOUR])
    current = await claim(db, as_of=NOON + HOUR)
    assert current.ids == [message_id]

    for result in ("accepted", "rejected", "retry", "released"):
        assert await settle(db, late.claim_id, [message_id], result) == 0
    assert await states(db, message_id) == ["inflight"]
    assert await settle(db, current.claim_id, [message_id]) == 1


async def test_of_several_only_ones_own_are_settled(db: AsyncConnection) -> None:
    mine, theirs = await insert_many(db, [{}, {}])
    first = await claim(db, limit=1)
    await claim(db, limit=1)

    assert await settle(db, first.claim_id, [mine, theirs, 4711]) == 1
    assert await states(db, mine, theirs) == ["accepted", "inflight"]


async def test_settling_nothing_is_nothing(db: AsyncConnection) -> None:
    assert await settle(db, (await claim(db)).claim_id, []) == 0


@pytest.mark.parametrize("result", ["delivered", "ACCEPTED", "", None])
async def test_an_unknown_result_is_an_error_and_settles_nothing(
    db: AsyncConnection, result: Any
) -> None:
    claimed, message_id = await claimed_one(db)

    with pytest.raises(psycopg.Error) as refused:
        async with db.transaction():
            await settle(db, claimed.claim_id, [message_id], result)

    assert refused.value.sqlstate == "SM004"
    assert await states(db, message_id) == ["inflight"]


@pytest.mark.parametrize(
    ("heard", "settled", "state"),
    [
        ("delivered", "accepted", "delivered"),
        ("undelivered", "accepted", "undelivered"),
        ("accepted", "accepted", "accepted"),
        ("delivered", "uncertain", "delivered"),
        ("accepted", "uncertain", "accepted"),
        ("delivered", "rejected", "delivered"),
        ("undelivered", "rejected", "rejected"),
    ],
)
async def test_a_receipt_that_overtook_the_answer_is_applied(
    db: AsyncConnection, heard: str, settled: str, state: str
) -> None:
    claimed, message_id = await claimed_one(db)
    assert await hear(db, (message_id, None, heard)) == (1, 0, 1, 0)

    await settle(db, claimed.claim_id, [message_id], settled)

    seen = await message(db, message_id)
    assert seen["state"] == state
    assert (seen["final_at"] is None) == (state == "accepted")
    assert await contacts(db, message_id) == 1
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 0


async def test_the_error_of_an_early_receipt_is_told(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    await hear(db, (message_id, None, "undelivered"), error="absent subscriber")

    await settle(db, claimed.claim_id, [message_id], detail="0: Accepted")

    assert (await message(db, message_id))["detail"] == "absent subscriber"


async def test_of_several_early_receipts_the_furthest_counts(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    await hear(db, (message_id, None, "delivered"), (message_id, None, "accepted"))

    await settle(db, claimed.claim_id, [message_id])

    assert await states(db, message_id) == ["delivered"]


async def test_an_early_receipt_waits_while_the_message_is_tried_again(
    db: AsyncConnection,
) -> None:
    claimed, message_id = await claimed_one(db)
    await hear(db, (message_id, None, "delivered"))

    await settle(db, claimed.claim_id, [message_id], "retry")

    assert await states(db, message_id) == ["pending"]
    assert await value(db, "select count(*) from sms.unmatched_receipt") == 1


async def test_references_are_kept_per_segment(db: AsyncConnection) -> None:
    long, short = await insert_many(db, [{}, {}])
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [long, short], refs=[(long, "a"), (short, "x"), (long, "b")])

    kept = await rows(db, "select id, ref, part, parts from sms.provider_ref order by id, part")

    assert [tuple(seen.values()) for seen in kept] == [
        (long, "a", 1, 2),
        (long, "b", 2, 2),
        (short, "x", 1, 1),
    ]


async def test_references_of_a_lost_lease_are_not_kept(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id + 1, [message_id], refs=[(message_id, "a")])

    assert await value(db, "select count(*) from sms.provider_ref") == 0


async def test_the_cost_is_the_tariff_times_the_segments(db: AsyncConnection) -> None:
    provider_id = await value(db, "select provider_id from sms.provider")
    await insert(db, "tariff", provider_id=provider_id, price=Decimal("2.5"))
    claimed, message_id = await claimed_one(db)

    await settle(db, claimed.claim_id, [message_id], segments=3)

    assert (await message(db, message_id))["cost"] == Decimal("7.5")


@pytest.mark.parametrize(
    ("result", "segments", "cost"),
    [("accepted", None, None), ("uncertain", 2, 5), ("rejected", 2, None)],
)
async def test_what_was_not_handed_over_costs_nothing(
    db: AsyncConnection, result: str, segments: int | None, cost: int | None
) -> None:
    provider_id = await value(db, "select provider_id from sms.provider")
    await insert(db, "tariff", provider_id=provider_id, price=Decimal("2.5"))
    claimed, message_id = await claimed_one(db)

    await settle(db, claimed.claim_id, [message_id], result, segments=segments)

    assert (await message(db, message_id))["cost"] == cost


async def test_without_a_tariff_the_cost_is_unknown(db: AsyncConnection) -> None:
    claimed, message_id = await claimed_one(db)
    await settle(db, claimed.claim_id, [message_id], segments=3)

    assert (await message(db, message_id))["cost"] is None


async def test_the_most_specific_tariff_wins(db: AsyncConnection) -> None:
    provider = await value(db, "select provider_id from sms.provider")
    other = await insert(db, "provider", provider="other", adapter="fake")
    mts, beeline = 1, 3
    for price, limits in (
        (9, {"provider_id": other}),
        (1, {}),
        (2, {"category": "service"}),
        (3, {"operator_id": mts}),
        (4, {"operator_id": mts, "category": "service"}),
        (5, {"category": "collection"}),
    ):
        await insert(db, "tariff", **{"provider_id": provider, "price": price, **limits})

    async def price_of(operator: int, category: str) -> Any:
        return await value(
            db, "select sms.segment_price(%s::smallint, %s::smallint, %s, now())",
            provider, operator, category,
        )  # fmt: skip

    assert await price_of(beeline, "advertising") == 1
    assert await price_of(beeline, "service") == 2
    assert await price_of(mts, "advertising") == 3
    assert await price_of(mts, "service") == 4
    assert await price_of(beeline, "collection") == 5
    assert await price_of(mts, "collection") == 3


async def test_a_tariff_holds_from_its_first_moment_to_before_its_last(
    db: AsyncConnection,
) -> None:
    provider = await value(db, "select provider_id from sms.provider")
    await insert(
        db, "tariff", provider_id=provider, price=1, valid_from=NOON, valid_until=NOON + DAY
    )

    async def price_at(moment: datetime) -> Any:
        return await value(
            db, "select sms.segment_price(%s::smallint, 0::smallint, 'service', %s)",
            provider, moment,
        )  # fmt: skip

    tick = timedelta(microseconds=1)
    assert await price_at(NOON - tick) is None
    assert await price_at(NOON) == 1
    assert await price_at(NOON + DAY - tick) == 1
    assert await price_at(NOON + DAY) is None


@pytest.mark.parametrize(
    ("attempt", "shortest"),
    [
        (1, timedelta(seconds=10)),
        (2, timedelta(seconds=20)),
        (5, timedelta(seconds=160)),
        (10, timedelta(hours=1)),
        (100, timedelta(hours=1)),
    ],
)
async def test_pauses_double_up_to_an_hour_with_a_quarter_of_jitter(
    db: AsyncConnection, attempt: int, shortest: timedelta
) -> None:
    pauses = await rows(
        db,
        """
        select sms.retry_at(%s, '10 seconds', %s, null) - %s::timestamptz as pause
          from generate_series(1, 100)
        """,
        NOON,
        attempt,
        NOON,
    )

    found = [pause["pause"] for pause in pauses]
    assert shortest <= min(found) < max(found) <= shortest * 1.25
