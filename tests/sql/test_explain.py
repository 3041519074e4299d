"""explain, explain_request, _rules, _fate, _receipts: why a message was or was not sent."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON
from tests.support.factory import (
    Row,
    add_range,
    add_template,
    claim,
    hear,
    insert,
    insert_outbox,
    number,
    rows,
    send,
    set_quiet_hours,
    settle,
)

RULES = ["expired", "blacklist", "duplicate_ref", "duplicate", "cap", "quiet_hours"]


async def explain(db: AsyncConnection, message_id: int) -> list[Row]:
    """The story of one message."""
    story = await rows(db, "select * from sms.explain(%s)", message_id)
    assert [line["step"] for line in story] == list(range(1, len(story) + 1))
    return story


async def verdicts(db: AsyncConnection, message_id: int) -> dict[str, str]:
    """What every rule says, by rule."""
    return {
        line["topic"].removeprefix("rule "): line["verdict"]
        for line in await explain(db, message_id)
        if line["topic"].startswith("rule ")
    }


async def last(db: AsyncConnection, message_id: int) -> Row:
    """The line about where the message is or how it left."""
    (line,) = [
        line for line in await explain(db, message_id) if line["topic"] in ("now", "left the queue")
    ]
    return line


async def test_a_message_nobody_knows_is_an_error(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error, match="no message 4711") as refused:
        await explain(db, 4711)

    assert refused.value.sqlstate == "SM008"


async def test_the_story_begins_with_how_the_request_was_understood(db: AsyncConnection) -> None:
    await add_range(db, number(1), zone="Asia/Omsk", operator="mts")
    message_id = await insert_outbox(
        db, phone="8 (907) 000-00-01", erp_ref="x", client_id=7, priority=1, body="secret text"
    )

    line = (await explain(db, message_id))[0]

    assert (line["topic"], line["verdict"], line["reason"]) == ("request", "understood", None)
    assert line["detail"] == "channel single, operator mts, zone Asia/Omsk (from the number)"
    facts = line["facts"]
    assert (facts["msisdn"], facts["erp_ref"], facts["client_id"]) == (number(1), "x", 7)
    assert (facts["priority"], facts["segments"]) == (1, 1)


@pytest.mark.parametrize(
    ("request_zone", "channel_zone", "told"),
    [
        ("Asia/Omsk", None, "Asia/Omsk (from the row)"),
        (None, "Asia/Tomsk", "Asia/Tomsk (from the channel)"),
        (None, None, "unknown (nothing tells it)"),
    ],
)
async def test_it_tells_where_the_zone_came_from(
    db: AsyncConnection, request_zone: str | None, channel_zone: str | None, told: str
) -> None:
    await db.execute("update sms.channel set time_zone = %s", [channel_zone])
    message_id = await insert_outbox(db, time_zone=request_zone)

    assert (await explain(db, message_id))[0]["detail"].endswith(told)


async def test_the_story_never_shows_the_text(db: AsyncConnection) -> None:
    await add_template(db, "due", "top secret {{sum}}")
    plain = await insert_outbox(db, body="top secret")
    filled = await insert_outbox(db, template="due", vars={"sum": "31415"})

    for message_id in (plain, filled):
        story = str(await explain(db, message_id))
        assert "top secret" not in story
        assert "31415" not in story


async def test_a_waiting_message_passes_every_rule_as_of_now(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before=None)

    assert await verdicts(db, message_id) == dict.fromkeys(RULES, "pass")
    line = await last(db, message_id)
    assert (line["topic"], line["verdict"], line["detail"]) == ("now", "pending", "is due")
    assert line["facts"]["provider"] == "post"


async def test_a_message_that_waits_for_its_time_says_until_when(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    assert (await last(db, message_id))["detail"].startswith("waits until ")


async def test_a_parked_lane_is_said(db: AsyncConnection) -> None:
    await db.execute("update sms.lane set provider_id = null")
    message_id = await insert_outbox(db, not_before=None)

    assert (await last(db, message_id))["detail"] == (
        "is due; its lane is parked, no provider serves it"
    )


async def test_every_rule_that_objects_says_so_with_its_facts(db: AsyncConnection) -> None:
    first = await insert_outbox(db, body="same", erp_ref="x")
    await send(db, first)
    await insert(db, "blacklist", msisdn=number(1), reason="asked us to stop")
    await db.execute("delete from sms.cap")
    await insert(db, "cap", period="day", max_messages=1)
    await set_quiet_hours(
        db, {"category": "transactional", "quiet_from": "00:00", "quiet_until": "23:00"}
    )
    message_id = await insert_outbox(
        db, body="same", erp_ref="x", expires_at=NOON + DAY, time_zone="Europe/Moscow"
    )
    await claim(db)

    story = {line["topic"]: line for line in await explain(db, message_id)}

    assert await verdicts(db, message_id) == {
        "expired": "pass",
        "blacklist": "suppress",
        "duplicate_ref": "suppress",
        "duplicate": "suppress",
        "cap": "suppress",
        "quiet_hours": "defer",
    }
    assert "asked us to stop" in story["rule blacklist"]["detail"]
    assert f"message {first} " in story["rule duplicate"]["detail"]
    assert "1 of 1 this day" in story["rule cap"]["detail"]
    assert "quiet hours in Europe/Moscow" in story["rule quiet_hours"]["detail"]
    assert story["rule quiet_hours"]["facts"]["not_before"]
    assert story["left the queue"]["facts"]["reasons"] == [
        "blacklist",
        "duplicate_ref",
        "duplicate",
        "cap",
        "quiet_hours",
    ]


async def test_a_message_that_left_is_judged_as_of_the_moment_it_left(db: AsyncConnection) -> None:
    await insert(
        db, "blacklist", msisdn=number(1), reason="a pause", expires_at=NOON + timedelta(minutes=1)
    )
    message_id = await insert_outbox(db, expires_at=NOON + HOUR)
    await claim(db)
    await db.execute("update sms.channel set validity = '1 minute'")

    seen = await verdicts(db, message_id)

    assert seen["blacklist"] == "suppress"
    assert seen["expired"] == "pass"


@pytest.mark.parametrize(
    ("request_columns", "reason"),
    [({"phone": "123"}, "invalid_number"), ({"body": ""}, "empty_text")],
)
async def test_an_unusable_request_is_explained(
    db: AsyncConnection, request_columns: dict[str, Any], reason: str
) -> None:
    message_id = await insert_outbox(db, **request_columns)

    first = (await explain(db, message_id))[0]
    line = await last(db, message_id)

    assert (first["verdict"], first["reason"]) == ("refused", reason)
    assert (line["verdict"], line["reason"]) == ("suppressed", reason)


async def test_a_leased_message_says_until_when_it_is_held(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)

    line = await last(db, message_id)

    assert (line["verdict"], line["at"]) == ("inflight", NOON)
    assert line["detail"].startswith("a test holds it until ")
    assert line["facts"] == {"claim_id": str(claimed.claim_id), "attempt": 1, "provider": "post"}
    assert (await verdicts(db, message_id))["duplicate"] == "pass"


@pytest.mark.parametrize("result", ["accepted", "rejected", "uncertain"])
async def test_an_answered_message_tells_the_answer(db: AsyncConnection, result: str) -> None:
    message_id = await insert_outbox(db)
    await send(
        db, message_id, result=result, segments=2, detail="said so", refs=[(message_id, "r")]
    )

    line = await last(db, message_id)

    assert (line["topic"], line["verdict"], line["detail"]) == ("left the queue", result, "said so")
    facts = line["facts"]
    assert (facts["provider"], facts["segments"], facts["attempts"]) == ("post", 2, 1)
    assert facts["provider_refs"] == ["r"]


async def test_a_cancelled_message_tells_by_whom(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await db.execute("select sms.cancel(%s)", [message_id])

    line = await last(db, message_id)

    assert (line["verdict"], line["reason"]) == ("cancelled", "cancelled")
    assert line["detail"].startswith("by ")


async def test_the_story_ends_with_the_receipts_in_order(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    stranger = await insert_outbox(db, phone=str(number(2)))
    await send(db, message_id, stranger, refs=[(message_id, "r"), (stranger, "s")])
    await hear(db, (message_id, None, "buffered"))
    await hear(db, (None, "s", "delivered"))
    await hear(db, (None, "r", "undelivered"), error="absent")

    heard = [line for line in await explain(db, message_id) if line["topic"] == "receipt"]

    assert [line["verdict"] for line in heard] == ["progress", "undelivered"]
    assert heard[1]["detail"].startswith("code undelivered, absent (")
    assert heard[1]["facts"]["provider_ref"] == "r"


async def test_a_receipt_that_came_before_the_answer_is_part_of_the_story(
    db: AsyncConnection,
) -> None:
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await hear(db, (None, "r", "delivered"))
    await settle(db, claimed.claim_id, [message_id], refs=[(message_id, "r")])

    assert [line["topic"] for line in await explain(db, message_id)][-1] == "receipt"
