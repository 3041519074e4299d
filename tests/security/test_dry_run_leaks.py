"""Who may not read texts guesses none by asking what the rules would say (S7)."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection

from tests.support.clock import NOON
from tests.support.factory import (
    Row,
    add_template,
    change_channel,
    claim,
    insert,
    insert_many,
    insert_outbox,
    make_provider,
    number,
    row,
    rows,
    send,
    set_caps,
    set_quiet_hours,
)
from tests.support.logins import login

BLIND = ("sms_analyst", "sms_operator")
SECRET = 4711
LIMITS: LiteralString = "update sms.channel set dedup_window = '1 day' where channel <> 'otp'"


@pytest.fixture
async def db(conn: AsyncConnection) -> AsyncConnection:
    """A code went to a number; no cap and no silence hides it."""
    await make_provider(conn)
    await set_caps(conn)
    await set_quiet_hours(conn)
    await conn.execute(LIMITS)
    message_id = await insert_outbox(conn, body=f"Ваш код {SECRET}", erp_ref="order-17")
    await send(conn, message_id)
    return conn


async def preview(somebody: AsyncConnection, select: str) -> list[Row]:
    """The dry run of a SELECT."""
    return await rows(
        somebody,
        "select * from sms.dry_run(p_select => %s, p_channel => 'single', p_as_of => %s)",
        select,
        NOON,
    )


async def asked(somebody: AsyncConnection, first: int, last: int) -> list[Row]:
    """The dry run of one text for each guess, to the number that got the code."""
    guesses = "select '{}' as phone, 'Ваш код ' || n as body from generate_series({}, {}) as n"
    return await preview(somebody, guesses.format(number(1), first, last))


def found(told: list[Row], topic: str, key: str | None = None) -> int | None:
    lines = [line["messages"] for line in told if (line["topic"], line["key"]) == (topic, key)]
    return lines[0] if lines else None


@pytest.mark.parametrize("role", BLIND)
async def test_a_code_is_not_found_by_bisection(db: AsyncConnection, dsn: str, role: str) -> None:
    async with login(dsn, role) as spy:
        with_it = await asked(spy, SECRET, SECRET + 9)
        without_it = await asked(spy, SECRET + 10, SECRET + 19)
        single = await asked(spy, SECRET, SECRET)

    assert with_it == without_it
    assert found(with_it, "kept") == 10
    assert found(single, "kept") == 1
    assert found(single, "suppressed", "duplicate") is None
    assert found(single, "not_judged", "duplicate") == 0  # said, and by no text


async def test_who_may_read_texts_is_told_as_ever(db: AsyncConnection, dsn: str) -> None:
    async with login(dsn, "sms_erp") as erp:
        told = await asked(erp, SECRET, SECRET + 9)

    assert (found(told, "kept"), found(told, "suppressed", "duplicate")) == (9, 1)
    assert found(told, "not_judged", "duplicate") is None


@pytest.mark.parametrize("role", BLIND)
async def test_repeats_among_ones_own_rows_are_still_told(
    db: AsyncConnection, dsn: str, role: str
) -> None:
    select = (
        "select '{}' as phone, 'x' as body, 'r' || n % 2 as erp_ref from generate_series(1, 4) as n"
    )
    async with login(dsn, role) as spy:
        told = await preview(spy, select.format(number(2)))

    assert found(told, "suppressed", "duplicate_ref") == 2
    assert found(told, "suppressed", "duplicate") == 1
    assert found(told, "kept") == 1


@pytest.mark.parametrize("role", BLIND)
async def test_a_reference_is_not_found_either(db: AsyncConnection, dsn: str, role: str) -> None:
    select = "select '{}' as phone, 'x' as body, 'order-17' as erp_ref"
    async with login(dsn, role) as spy:
        told = await preview(spy, select.format(number(2)))

    assert found(told, "kept") == 1
    assert found(told, "suppressed", "duplicate_ref") is None


@pytest.mark.parametrize("role", BLIND)
async def test_a_queued_text_is_not_found_by_rows_of_ones_own_beside_it(
    db: AsyncConnection, dsn: str, role: str
) -> None:
    """dry_run_report takes rows and a campaign: they would compete with what is queued of it."""
    campaign = await insert(db, "campaign", campaign="codes", channel="single")
    await insert_outbox(db, body="Ваш код 0815", phone=str(number(9)), campaign_id=campaign)
    told = []
    async with login(dsn, role) as spy:
        for guess in ("0815", "0816"):
            told.append(
                await rows(
                    spy,
                    """
                    select topic, key, messages from sms.dry_run_report(
                        sms.dry_run_audience(%s, 'single', %s, null, %s), %s, %s)
                    """,
                    f"select '{number(9)}' as phone",
                    f"Ваш код {guess}",
                    NOON,
                    campaign,
                    NOON,
                )
            )

    assert told[0] == told[1]
    assert found(told[0], "kept") == 2


@pytest.mark.parametrize("role", BLIND)
async def test_judge_and_explain_compare_no_texts_of_what_waits(
    db: AsyncConnection, dsn: str, role: str
) -> None:
    same, other = await insert_many(
        db, [{"body": f"Ваш код {SECRET}"}, {"body": f"Ваш код {SECRET + 1}"}]
    )
    judged: LiteralString = "select verdict, reason, detail from sms.judge(array[%s], %s)"
    ruled: LiteralString = (
        "select verdict, reason, detail, facts from sms.explain(%s) where topic = 'rule duplicate'"
    )
    async with login(dsn, role) as spy:
        verdicts = [await row(spy, judged, message_id, NOON) for message_id in (same, other)]
        told = [await row(spy, ruled, message_id) for message_id in (same, other)]

    assert verdicts[0] == verdicts[1] == {"verdict": "send", "reason": None, "detail": None}
    assert told[0] == told[1]
    assert (told[0]["verdict"], told[0]["detail"]) == (
        "pass",
        "told only to roles that may read texts",
    )
    async with login(dsn, "sms_erp") as erp:
        assert (await row(erp, judged, same, NOON))["reason"] == "duplicate"


@pytest.mark.parametrize("role", BLIND)
async def test_a_message_that_ended_for_another_reason_tells_no_duplicate_beside_it(
    db: AsyncConnection, dsn: str, role: str
) -> None:
    """A blacklisted number suppresses whatever is tried, without a message that anybody gets."""
    await insert(db, "blacklist", msisdn=number(1), reason="a trap")
    same, other = await insert_many(
        db, [{"body": f"Ваш код {SECRET}"}, {"body": f"Ваш код {SECRET + 1}"}]
    )
    await claim(db)

    async def story(somebody: AsyncConnection, message_id: int) -> list[Any]:
        found = await rows(
            somebody,
            "select verdict, reason, detail, facts ->> 'reasons' as reasons from sms.explain(%s)"
            " where topic in ('rule duplicate', 'left the queue')",
            message_id,
        )
        return [tuple(line.values()) for line in found]

    async with login(dsn, role) as spy:
        assert await story(spy, same) == await story(spy, other)
    async with login(dsn, "sms_erp") as erp:
        assert await story(erp, same) != await story(erp, other)


@pytest.mark.parametrize("role", BLIND)
async def test_what_was_decided_is_explained(db: AsyncConnection, dsn: str, role: str) -> None:
    again = await insert_outbox(db, body=f"Ваш код {SECRET}")
    await claim(db)
    async with login(dsn, role) as asker:
        told = await row(
            asker,
            "select verdict, reason from sms.explain(%s) where topic = 'rule duplicate'",
            again,
        )

    assert told == {"verdict": "suppress", "reason": "duplicate"}


async def test_by_template_it_tells_how_many_may_repeat(db: AsyncConnection, dsn: str) -> None:
    await add_template(db, "code", "Код {{code}}")
    await change_channel(db, "single", dedup_window="1 day")
    sent = await insert_outbox(
        db, phone=str(number(5)), template="code", vars={"code": "1"}, channel="single"
    )
    await send(db, sent)
    select = (
        "select phone, 'code' as template, jsonb_build_object('code', c) as vars"
        " from (values ('{}', '{}'), ('{}', '9')) as v (phone, c)"
    )
    async with login(dsn, "sms_analyst") as analyst:
        told = [
            await preview(analyst, select.format(number(5), code, number(6))) for code in ("1", "2")
        ]

    assert told[0] == told[1]
    assert (found(told[0], "kept"), found(told[0], "not_judged", "duplicate")) == (2, 1)
