"""learn_numbers and find_failing: numbers that keep failing blacklist themselves, and heal."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MINUTE, NOON
from tests.support.factory import (
    add_group,
    claim,
    fate,
    hear,
    insert,
    insert_outbox,
    mark,
    number,
    row,
    rows,
    settle,
    try_at,
    value,
    verdict_at,
)

NOBODY, MALFORMED, BLOCKED, REFUSED = "1", "249", "13", "255"
TEMPORARY = ("6", "12", "219", "220", "245", "251")
STOPPED = "suppressed(blacklist)"
PHONE = number(1)


@pytest.fixture(autouse=True)
async def smsc_ru(db: AsyncConnection) -> None:
    """The provider speaks the dialect whose error codes are known, and reports our states."""
    await db.execute("update sms.provider set adapter = 'smsc_ru'")
    await db.execute(
        """
        insert into sms.receipt_code (adapter, code, state, meaning)
        values ('smsc_ru', 'ok', 'delivered', ''), ('smsc_ru', 'no', 'undelivered', ''),
               ('smsc_ru', 'late', 'expired', '')
            on conflict (adapter, code) do update set state = excluded.state
        """
    )


async def sent(db: AsyncConnection, **request: Any) -> int:
    """One message that the provider has taken."""
    message_id = await insert_outbox(db, phone=str(PHONE), **request)
    claimed = await claim(db)
    assert claimed.ids == [message_id], await fate(db, message_id)
    assert await mark(db, claimed.claim_id, claimed.ids)
    await settle(db, claimed.claim_id, claimed.ids)
    return message_id


async def fail(
    db: AsyncConnection, error: str | None, at: datetime, code: str = "no", **request: Any
) -> None:
    """One message that the operator gave up at that moment, with that error."""
    message_id = await sent(db, **request)
    assert (await hear(db, (message_id, None, code), error=error))[1] == 1
    await happened(db, message_id, at)


async def deliver(db: AsyncConnection, at: datetime, **request: Any) -> None:
    """One message that arrived at that moment."""
    message_id = await sent(db, **request)
    assert (await hear(db, (message_id, None, "ok")))[1] == 1
    await happened(db, message_id, at)


async def happened(db: AsyncConnection, message_id: int, at: datetime) -> None:
    """Receipts carry the server's clock; put this one where the test needs it."""
    await db.execute(
        "update sms.number_trouble set at = %s where message_id = %s", [at, message_id]
    )
    await db.execute("update sms.outcome set final_at = %s where id = %s", [at, message_id])
    await db.execute(
        "update sms.contact_log set at = %s where message_id = %s", [at - HOUR, message_id]
    )


async def learn(db: AsyncConnection, as_of: datetime) -> tuple[int, int]:
    """Rows made and lifted."""
    found = await row(db, "select * from sms.learn_numbers(p_as_of => %s)", as_of)
    return found["blacklisted"], found["lifted"]


async def listed(db: AsyncConnection) -> list[tuple[str, str | None, datetime | None]]:
    """The automatic rows: why, for what, until when."""
    return [
        (entry["reason"], entry["category"], entry["expires_at"])
        for entry in await rows(db, "select * from sms.blacklist where source = 'auto'")
    ]


async def test_a_number_that_does_not_exist_is_listed_when_told_twice_a_day_apart(
    db: AsyncConnection,
) -> None:
    await fail(db, NOBODY, NOON - DAY)
    assert await learn(db, NOON - DAY) == (0, 0)
    await fail(db, NOBODY, NOON)

    assert await learn(db, NOON) == (1, 0)
    assert await listed(db) == [("the number does not exist", None, None)]
    assert await try_at(db, channel="otp") == STOPPED


async def test_twice_within_a_day_may_be_one_and_the_same_mistake(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON - DAY + MINUTE)
    await fail(db, NOBODY, NOON)

    assert await learn(db, NOON) == (0, 0)


async def test_what_happened_longer_ago_than_the_span_does_not_count(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON - 30 * DAY)
    await fail(db, NOBODY, NOON)

    assert await learn(db, NOON) == (0, 0)


async def test_unreachable_five_times_in_a_fortnight_is_listed_for_ninety_days(
    db: AsyncConnection,
) -> None:
    for n in range(4):
        await fail(db, BLOCKED, NOON - (10 - n) * DAY)
    assert await learn(db, NOON - DAY) == (0, 0)
    await fail(db, BLOCKED, NOON)

    assert await learn(db, NOON) == (1, 0)
    assert await listed(db) == [("unreachable for long", None, NOON + 90 * DAY)]
    late = {"expires_at": NOON + 100 * DAY}
    assert await verdict_at(db, NOON + 90 * DAY - MINUTE, **late) == "suppress(blacklist)"
    assert await verdict_at(db, NOON + 90 * DAY, **late) == "send"


async def test_five_failures_within_three_days_are_one_absence(db: AsyncConnection) -> None:
    for n in range(5):
        await fail(db, BLOCKED, NOON - n * 12 * HOUR)

    assert await learn(db, NOON) == (0, 0)


async def test_a_delivery_in_between_starts_the_count_anew(db: AsyncConnection) -> None:
    await fail(db, BLOCKED, NOON - 10 * DAY)
    await deliver(db, NOON - 9 * DAY)
    for n in range(4):
        await fail(db, BLOCKED, NOON - (8 - 2 * n) * DAY)
    assert await learn(db, NOON) == (0, 0)

    await fail(db, BLOCKED, NOON + HOUR)
    assert await learn(db, NOON + HOUR) == (1, 0)


@pytest.mark.parametrize("code", ["no", "late"])
async def test_giving_up_without_a_known_error_counts_as_unreachable(
    db: AsyncConnection, code: str
) -> None:
    for n in range(5):
        await fail(db, None, NOON - (8 - 2 * n) * DAY, code)

    assert await learn(db, NOON) == (1, 0)
    assert (await listed(db))[0][0] == "unreachable for long"


async def test_a_malformed_number_is_listed_at_once(db: AsyncConnection) -> None:
    await fail(db, MALFORMED, NOON)

    assert await learn(db, NOON) == (1, 0)
    assert await listed(db) == [("the provider does not take the number", None, None)]


async def test_a_refusal_at_submission_counts_like_a_receipt(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [message_id], "rejected", detail=MALFORMED)
    now: datetime = await value(db, "select clock_timestamp()")

    assert await learn(db, now) == (1, 0)


@pytest.mark.parametrize("error", [*TEMPORARY, "238", "247", "254"])
async def test_what_says_nothing_about_the_number_never_lists_it(
    db: AsyncConnection, error: str
) -> None:
    for n in range(12):
        await fail(db, error, NOON - (12 - n) * DAY)

    assert await learn(db, NOON) == (0, 0)


async def test_each_class_is_counted_apart(db: AsyncConnection) -> None:
    for n, error in enumerate([NOBODY, BLOCKED, BLOCKED, BLOCKED, BLOCKED]):
        await fail(db, error, NOON - (8 - 2 * n) * DAY)

    assert await learn(db, NOON) == (0, 0)


async def test_each_number_is_counted_apart(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON - 2 * DAY)
    await db.execute("update sms.number_trouble set msisdn = %s", [number(2)])
    await fail(db, NOBODY, NOON)

    assert await learn(db, NOON) == (0, 0)


async def refused_thrice(db: AsyncConnection) -> None:
    """Three refusals of a name as sender, over four days."""
    for n in range(3):
        await fail(db, REFUSED, NOON - (4 - 2 * n) * DAY, sender_id="BANK")


async def suspects(db: AsyncConnection) -> list[int]:
    """Whom the ERP sees."""
    return [found["msisdn"] for found in
            await rows(db, "select * from sms.operator_refusal_suspected")]  # fmt: skip


async def test_refusing_names_without_a_sign_of_life_means_nothing(db: AsyncConnection) -> None:
    await refused_thrice(db)

    assert await learn(db, NOON) == (0, 0)
    assert await suspects(db) == []


async def test_who_took_a_message_from_a_number_but_refuses_names_gets_no_advertising(
    db: AsyncConnection,
) -> None:
    await deliver(db, NOON - 3 * DAY, sender_id="79990000000")
    await refused_thrice(db)

    assert await learn(db, NOON) == (1, 0)
    assert await listed(db) == [("operator refusal suspected", "advertising", NOON + 365 * DAY)]
    assert await suspects(db) == [PHONE]
    assert await try_at(db, channel="planned") == STOPPED
    assert await try_at(db, channel="single", body="still told") == "inflight"


async def test_who_wrote_to_us_is_alive(db: AsyncConnection) -> None:
    await insert(
        db,
        "inbound",
        provider_id=await value(db, "select provider_id from sms.provider"),
        msisdn=PHONE,
        sender=str(PHONE),
        body="hello",
        received_at=NOON - 5 * DAY,
    )
    await refused_thrice(db)

    assert await learn(db, NOON) == (1, 0)


async def test_refusals_of_a_numeric_sender_are_no_refusal_of_names(db: AsyncConnection) -> None:
    await deliver(db, NOON - 5 * DAY, sender_id="79990000000")
    for n in range(3):
        await fail(db, REFUSED, NOON - (4 - 2 * n) * DAY, sender_id="79990000000")

    assert await learn(db, NOON) == (0, 0)


async def test_a_name_that_got_through_ends_the_suspicion(db: AsyncConnection) -> None:
    await deliver(db, NOON - 3 * DAY, sender_id="79990000000")
    await refused_thrice(db)
    await deliver(db, NOON, sender_id="BANK")

    assert await learn(db, NOON) == (0, 0)


async def test_a_delivery_lifts_the_row(db: AsyncConnection) -> None:
    late = await sent(db)
    await fail(db, MALFORMED, NOON - HOUR)
    assert await learn(db, NOON - HOUR) == (1, 0)

    await hear(db, (late, None, "ok"))
    await happened(db, late, NOON)

    assert await learn(db, NOON) == (0, 1)
    assert await listed(db) == []
    assert await try_at(db) == "inflight"


async def test_a_delivery_before_the_row_was_made_does_not_lift_it(db: AsyncConnection) -> None:
    await deliver(db, NOON - 2 * HOUR)
    await fail(db, MALFORMED, NOON - HOUR)

    assert await learn(db, NOON - HOUR) == (1, 0)
    assert await learn(db, NOON) == (0, 0)


async def test_a_delivered_business_notice_does_not_bring_advertising_back(
    db: AsyncConnection,
) -> None:
    await deliver(db, NOON - 5 * DAY, sender_id="79990000000")
    await refused_thrice(db)
    await learn(db, NOON)
    await deliver(db, NOON + HOUR, channel="single")

    assert await learn(db, NOON + HOUR) == (0, 0)
    assert await suspects(db) == [PHONE]


async def test_rows_that_people_made_are_not_lifted(db: AsyncConnection) -> None:
    late = await sent(db)
    for source in ("manual", "import", "opt_out", "legal"):
        await insert(db, "blacklist", msisdn=PHONE, reason="x", source=source, created_at=NOON)
    group = await add_group(db, "staff", msisdn=[PHONE])
    await insert(db, "blacklist", group_id=group, reason="x", source="auto", created_at=NOON)

    await hear(db, (late, None, "ok"))
    await happened(db, late, NOON + HOUR)

    assert await learn(db, NOON + HOUR) == (0, 0)
    assert await value(db, "select count(*) from sms.blacklist") == 5


async def test_a_person_who_removes_the_row_clears_the_count(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON - 2 * DAY)
    await fail(db, NOBODY, NOON - DAY)
    assert await learn(db, NOON - DAY) == (1, 0)

    await db.execute("delete from sms.blacklist")

    assert await value(db, "select count(*) from sms.number_trouble") == 0
    await fail(db, NOBODY, NOON)
    assert await learn(db, NOON) == (0, 0)


async def test_removing_what_a_person_listed_keeps_the_count(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON - DAY)
    await insert(db, "blacklist", msisdn=PHONE, reason="x")
    await db.execute("delete from sms.blacklist")
    await fail(db, NOBODY, NOON)

    assert await learn(db, NOON) == (1, 0)


async def test_a_number_is_listed_once_however_often_it_fails(db: AsyncConnection) -> None:
    waiting = [await sent(db) for _ in range(3)]
    for n, message_id in enumerate(waiting):
        await hear(db, (message_id, None, "no"), error=MALFORMED)
        await happened(db, message_id, NOON + n * HOUR)
        await learn(db, NOON + n * HOUR)

    assert len(await listed(db)) == 1


async def test_a_row_that_ran_out_may_come_back(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=PHONE, reason="x", source="auto", expires_at=NOON,
                 created_at=NOON - 90 * DAY)  # fmt: skip
    waiting = await insert_outbox(db, phone=str(PHONE))
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [waiting], "rejected", detail=MALFORMED)
    await happened(db, waiting, NOON)

    assert await learn(db, NOON) == (1, 0)


async def test_a_rule_that_is_switched_off_lists_nobody(db: AsyncConnection) -> None:
    await db.execute("update sms.auto_blacklist_rule set is_enabled = false")
    await fail(db, MALFORMED, NOON)

    assert await learn(db, NOON) == (0, 0)


async def test_the_rules_are_rows(db: AsyncConnection) -> None:
    """Another class, count, span, scope and length, without a line of code."""
    await db.execute("delete from sms.auto_blacklist_rule")
    await insert(
        db,
        "auto_blacklist_rule",
        **{"class": "unreachable"},
        times=2,
        span=timedelta(days=1),
        min_gap=HOUR,
        channel="planned",
        lasts=timedelta(days=7),
        reason="away",
    )
    await fail(db, BLOCKED, NOON - HOUR)
    await fail(db, BLOCKED, NOON)

    assert await learn(db, NOON) == (1, 0)
    assert await try_at(db, channel="planned") == STOPPED
    assert await try_at(db, channel="mass", body="other") == "inflight"
    assert await try_at(db, NOON + 7 * DAY, channel="planned") == "inflight"


async def test_a_wrong_reading_of_an_error_is_mended_by_an_update(db: AsyncConnection) -> None:
    await db.execute("update sms.receipt_error set class = 'malformed' where error = '6'")
    await fail(db, "6", NOON)

    assert await learn(db, NOON) == (1, 0)


async def test_what_was_looked_at_is_not_looked_at_again(db: AsyncConnection) -> None:
    await fail(db, NOBODY, NOON)
    await learn(db, NOON)

    assert await value(db, "select learned_at from sms.number_trouble") == NOON
