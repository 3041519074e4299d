"""judge, judge_batch, candidates: what is previewed is what will happen, and nothing is written."""

from datetime import datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, WEDNESDAY, moscow
from tests.support.factory import (
    Row,
    add_template,
    add_version,
    change_channel,
    claim,
    claim_all,
    fate,
    insert,
    insert_many,
    insert_outbox,
    message,
    number,
    rows,
    send,
    set_quiet_hours,
    states,
    value,
)


async def judge(db: AsyncConnection, *ids: int, as_of: datetime = NOON) -> list[Row]:
    """The verdicts on these messages, in the order asked."""
    found = await rows(db, "select * from sms.judge(%s, %s)", list(ids), as_of)
    return sorted(found, key=lambda line: ids.index(line["id"]))


async def verdict(db: AsyncConnection, message_id: int, as_of: datetime = NOON) -> str:
    """Verdict and reason of one message in one word."""
    (line,) = await judge(db, message_id, as_of=as_of)
    return f"{line['verdict']}({line['reason'] or ''})"


async def test_the_columns_are_those_promised(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    assert await judge(db, message_id) == [
        {"id": message_id, "verdict": "send", "reason": None, "detail": None, "not_before": None}
    ]


async def test_nothing_objects_to_an_ordinary_message(db: AsyncConnection) -> None:
    assert await verdict(db, await insert_outbox(db)) == "send()"


async def test_a_deferred_message_comes_with_its_moment(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await change_channel(db, "planned", opening_spread="0")
    message_id = await insert_outbox(db, channel="planned", time_zone="Europe/Moscow")

    (line,) = await judge(db, message_id, as_of=moscow(WEDNESDAY, 22))

    assert (line["verdict"], line["reason"]) == ("defer", "quiet_hours")
    assert line["not_before"] == moscow(WEDNESDAY + DAY, 9)


async def test_judging_writes_nothing(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(2), reason="stop")
    ids = await insert_many(db, [{"erp_ref": "x"}, {"phone": str(number(2))}])

    await judge(db, *ids)

    assert await states(db, *ids) == ["pending", "pending"]
    assert await value(db, "select count(*) from sms.erp_ref") == 0
    assert await value(db, "select count(*) from sms.contact_log") == 0


async def test_unknown_ids_have_no_verdict(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    assert [line["id"] for line in await judge(db, message_id, 4711)] == [message_id]
    assert await judge(db) == []


async def test_a_message_asked_twice_is_judged_once(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    assert len(await judge(db, message_id, message_id)) == 1


async def test_it_is_judged_as_of_the_moment_asked_for(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, expires_at=NOON + HOUR)

    assert await verdict(db, message_id, NOON) == "send()"
    assert await verdict(db, message_id, NOON + HOUR) == "suppress(expired)"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"phone": "12"}, "invalid_number"),
        ({"phone": "84951234567"}, "not_mobile"),
        ({"body": ""}, "empty_text"),
        ({"time_zone": "Mars"}, "bad_time_zone"),
    ],
)
async def test_what_was_refused_at_the_insert_stays_refused(
    db: AsyncConnection, columns: dict[str, Any], reason: str
) -> None:
    assert await verdict(db, await insert_outbox(db, **columns)) == f"suppress({reason})"


async def test_a_message_that_waits_is_judged_by_its_own_wording(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    message_id = await insert_outbox(db, template="due", vars={"sum": "1"})
    template_id = await value(db, "select template_id from sms.template")
    await add_version(db, template_id, "Pay {{sum}} to {{iban}}")

    assert await verdict(db, message_id) == "send()"
    assert (await claim(db)).bodies == ["Pay 1"]


async def test_a_preview_says_what_the_claim_then_does(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "11:00", "quiet_until": "13:00"})
    await insert(db, "blacklist", msisdn=number(1), reason="stop")
    await db.execute("delete from sms.cap")
    await insert(db, "cap", period="day", max_messages=1)
    await send(db, await insert_outbox(db, phone=str(number(2)), body="old", erp_ref="x"))
    await send(db, await insert_outbox(db, phone=str(number(3)), body="old"))
    ids = await insert_many(
        db,
        [
            {"phone": str(number(1))},
            {"phone": str(number(2)), "body": "new"},
            {"phone": str(number(3)), "body": "old"},
            {"phone": str(number(4)), "erp_ref": "x"},
            {"phone": str(number(5)), "expires_at": NOON + HOUR},
            {"phone": str(number(6)), "channel": "planned", "time_zone": "Europe/Moscow"},
            {"phone": str(number(7))},
            {"phone": "7"},
        ],
    )
    as_of = NOON + HOUR / 12
    await db.execute("update sms.pending set expires_at = %s where id = %s", [as_of, ids[4]])

    previewed = {line["id"]: line for line in await judge(db, *ids, as_of=as_of)}
    await claim_all(db, as_of=as_of)

    for message_id in ids:
        line = previewed[message_id]
        expected = {"send": "inflight", "defer": "pending"}.get(
            line["verdict"], f"suppressed({line['reason']})"
        )
        assert await fate(db, message_id) == expected
    assert (await message(db, ids[5]))["not_before"] == previewed[ids[5]]["not_before"]
    assert {line["reason"] for line in previewed.values()} == {
        "blacklist",
        "cap",
        "duplicate",
        "duplicate_ref",
        "expired",
        "quiet_hours",
        None,
        "invalid_number",
    }


async def test_rules_object_in_their_order(db: AsyncConnection) -> None:
    """Take away the first objection, and the next in rule order decides."""
    await db.execute("update sms.channel set category = 'advertising' where channel = 'single'")
    await set_quiet_hours(db)
    await db.execute("delete from sms.cap")
    await insert(db, "cap", period="day", max_messages=1)
    await send(db, await insert_outbox(db, body="same", erp_ref="x"))
    await set_quiet_hours(db, {"quiet_from": "00:00", "quiet_until": "23:00"})
    await insert(db, "blacklist", msisdn=number(1), reason="stop")
    message_id = await insert_outbox(
        db, body="same", erp_ref="x", time_zone="Europe/Moscow", expires_at=NOON + 20 * HOUR
    )
    expired = {"as_of": NOON + 20 * HOUR}

    assert await verdict(db, message_id, **expired) == "suppress(expired)"
    assert await verdict(db, message_id) == "suppress(blacklist)"
    await db.execute("delete from sms.blacklist")
    assert await verdict(db, message_id) == "suppress(duplicate_ref)"
    await db.execute("delete from sms.erp_ref")
    assert await verdict(db, message_id) == "suppress(duplicate)"
    await db.execute("update sms.channel set dedup_window = '0'")
    assert await verdict(db, message_id) == "suppress(cap)"
    await db.execute("delete from sms.cap")
    assert await verdict(db, message_id) == "defer(quiet_hours)"
    await db.execute("delete from sms.quiet_hours")
    assert await verdict(db, message_id) == "send()"
