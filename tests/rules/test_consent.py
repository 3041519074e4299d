"""rule_consent and the ledger: channels that need a consent send only where there is one."""

from datetime import datetime
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    change_channel,
    changes,
    claim,
    fate,
    insert,
    insert_outbox,
    message,
    number,
    row,
    try_at,
    value,
)

MISSING = "suppressed(no_consent)"


@pytest.fixture(autouse=True)
async def planned_needs_consent(db: AsyncConnection) -> None:
    """The channel of these tests is `planned`, its category advertising."""
    await change_channel(db, "planned", needs_consent=True)


async def consent(db: AsyncConnection, **columns: Any) -> int:
    """A consent of number(1) for advertising, given a day ago, unless told otherwise."""
    who = {} if "client_id" in columns else {"msisdn": number(1)}
    base = {**who, "category": "advertising", "proof": "form 7", "valid_from": NOON - DAY}
    return await insert(db, "consent", **{**base, **columns})


async def planned(db: AsyncConnection, as_of: datetime = NOON, **request: Any) -> str:
    """The fate of a message on the channel that needs consent."""
    return await try_at(db, as_of, channel="planned", **request)


async def test_without_a_consent_nothing_goes(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, channel="planned")
    await claim(db)

    assert await fate(db, message_id) == MISSING
    assert (await message(db, message_id))["detail"] == (
        "no valid consent for advertising of this number or client"
    )


async def test_a_channel_that_needs_none_asks_for_none(db: AsyncConnection) -> None:
    assert await try_at(db, channel="single") == "inflight"


async def test_a_consent_of_the_number_is_enough(db: AsyncConnection) -> None:
    await consent(db)

    assert await planned(db, client_id=5) == "inflight"
    assert await planned(db, phone=str(number(2))) == MISSING


async def test_a_consent_of_the_client_holds_for_all_its_numbers(db: AsyncConnection) -> None:
    await consent(db, client_id=5)

    assert await planned(db, phone=str(number(1)), client_id=5) == "inflight"
    assert await planned(db, phone=str(number(2)), client_id=5) == "inflight"
    assert await planned(db, phone=str(number(2)), client_id=6) == MISSING
    assert await planned(db, phone=str(number(2))) == MISSING


async def test_a_consent_holds_for_its_category_only(db: AsyncConnection) -> None:
    await consent(db, category="service")
    await consent(db, category="service", client_id=5)

    assert await planned(db, client_id=5) == MISSING


@pytest.mark.parametrize(
    ("as_of", "fate_then"),
    [
        (NOON - TICK, MISSING),
        (NOON, "inflight"),
        (NOON + DAY - TICK, "inflight"),
        (NOON + DAY, MISSING),
    ],
)
async def test_a_consent_holds_from_its_first_moment_to_before_its_last(
    db: AsyncConnection, as_of: datetime, fate_then: str
) -> None:
    await consent(db, valid_from=NOON, valid_until=NOON + DAY)

    assert await planned(db, as_of) == fate_then


async def test_a_withdrawal_stops_what_is_queued_already(db: AsyncConnection) -> None:
    await consent(db)
    message_id = await insert_outbox(db, channel="planned", not_before=NOON + HOUR)

    await db.execute("update sms.consent set withdrawn_at = %s", [NOON])
    await claim(db, as_of=NOON + HOUR)

    assert await fate(db, message_id) == MISSING


async def test_a_withdrawal_holds_from_its_moment(db: AsyncConnection) -> None:
    await consent(db)
    await db.execute("update sms.consent set withdrawn_at = %s", [NOON])

    assert await planned(db, NOON - TICK) == "inflight"
    assert await planned(db, NOON) == MISSING


async def test_a_new_consent_after_a_withdrawal_counts(db: AsyncConnection) -> None:
    await consent(db)
    await db.execute("update sms.consent set withdrawn_at = %s", [NOON - HOUR])
    await consent(db, proof="form 8")

    assert await planned(db) == "inflight"


async def test_a_withdrawal_of_the_number_leaves_the_clients_own_consent(
    db: AsyncConnection,
) -> None:
    await consent(db)
    await consent(db, client_id=5)
    await db.execute("update sms.consent set withdrawn_at = %s where client_id is null", [NOON])

    assert await planned(db, client_id=5) == "inflight"
    assert await planned(db) == MISSING


async def test_a_channel_that_is_gone_counts_as_one_that_needs_consent(
    db: AsyncConnection,
) -> None:
    found = await value(
        db,
        """
        select f.reason from sms.rule_consent(
            array[(1, %s, now(), now(), 0, null, null, null, null, 1, 32000, 0, 3, 1, 0, 0, null, 0)
                  ::sms.candidate], now()) as f
        """,
        number(1),
    )

    assert found == "no_consent"


@pytest.mark.parametrize(
    "act",
    [
        "delete from sms.consent",
        "truncate sms.consent",
        "update sms.consent set category = 'service'",
        "update sms.consent set msisdn = msisdn + 1",
        "update sms.consent set proof = 'another'",
        "update sms.consent set valid_until = now() + interval '9 years'",
        "update sms.consent set valid_from = valid_from - interval '1 day'",
        "update sms.consent set withdrawn_by = 'somebody'",
        "update sms.consent set withdrawn_at = now(), proof = 'another'",
    ],
)
async def test_a_ledger_is_not_edited(db: AsyncConnection, act: LiteralString) -> None:
    await consent(db)

    with pytest.raises(psycopg.Error, match="never changed or deleted") as refused:
        await db.execute(act)

    assert refused.value.sqlstate == "SM003"


@pytest.mark.parametrize("to", [None, NOON + DAY])
async def test_a_withdrawal_is_final(db: AsyncConnection, to: datetime | None) -> None:
    await consent(db)
    await db.execute("update sms.consent set withdrawn_at = %s, withdrawn_by = 'clerk 7'", [NOON])

    with pytest.raises(psycopg.Error, match="ledger"):
        await db.execute("update sms.consent set withdrawn_at = %s", [to])


async def test_the_ledger_tells_who_wrote_and_who_withdrew(db: AsyncConnection) -> None:
    await consent(db)
    await db.execute("update sms.consent set withdrawn_at = now(), withdrawn_by = 'clerk 7'")

    seen = await row(db, "select created_by, session_user::text as me, withdrawn_by"
                         " from sms.consent")  # fmt: skip
    assert (seen["created_by"], seen["withdrawn_by"]) == (seen["me"], "clerk 7")
    assert [change["action"] for change in await changes(db, "consent")] == ["insert", "update"]


async def test_many_consents_are_one_permission_and_none_of_them_hides_another(
    db: AsyncConnection,
) -> None:
    for n in range(3):
        begins = NOON - DAY * n
        await consent(db, valid_from=begins, valid_until=begins + 2 * HOUR)

    assert await planned(db, NOON + HOUR) == "inflight"
    assert await planned(db, NOON + 3 * HOUR) == MISSING
