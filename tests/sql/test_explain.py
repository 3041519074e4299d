"""explain, explain_request, _rules, _fate, _receipts: why a message was or was not sent."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, MINUTE, NOON, WEDNESDAY, moscow
from tests.support.factory import (
    Row,
    add_range,
    add_template,
    change_channel,
    claim,
    hear,
    insert,
    insert_many,
    insert_outbox,
    number,
    rows,
    send,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

RULES = [
    "expired", "blacklist", "consent", "duplicate_ref", "duplicate", "cap", "budget",
    "holdout", "quiet_hours",
]  # fmt: skip


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


async def rule(db: AsyncConnection, message_id: int, name: str) -> Row:
    """What one rule says, with its facts."""
    (line,) = [line for line in await explain(db, message_id) if line["topic"] == f"rule {name}"]
    return line


def moment(text: str) -> datetime:
    """A time in facts."""
    return datetime.fromisoformat(text)


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
        "consent": "pass",
        "duplicate_ref": "suppress",
        "duplicate": "suppress",
        "cap": "suppress",
        "budget": "pass",
        "holdout": "pass",
        "quiet_hours": "defer",
    }
    assert "asked us to stop" in story["rule blacklist"]["detail"]
    assert f"message {first} " in story["rule duplicate"]["detail"]
    assert "1 of 1 a number this day" in story["rule cap"]["detail"]
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


# --- the facts behind each rule -----------------------------------------------------------------


@pytest.mark.parametrize("expires_at", [None, NOON + HOUR])
async def test_validity_is_told_with_who_set_it(
    db: AsyncConnection, expires_at: datetime | None
) -> None:
    line = await rule(db, await insert_outbox(db, expires_at=expires_at), "expired")

    assert moment(line["facts"]["expires_at"]) == (expires_at or NOON + DAY)
    assert line["facts"]["from"] == ("the row" if expires_at else "the channel")
    assert ("rule" in line["facts"]) == (expires_at is None)


async def test_every_blacklist_row_that_names_the_number_is_told(db: AsyncConnection) -> None:
    group = await insert(db, "recipient_group", recipient_group="friends")
    await insert(db, "recipient_group_member", group_id=group, client_id=7)
    here = {"created_at": NOON - HOUR, "created_by": "anna"}
    own = await insert(db, "blacklist", msisdn=number(1), reason="asked", **here)
    prefix = await insert(db, "blacklist", prefix="7907", reason="odd", category="service", **here)
    friends = await insert(
        db, "blacklist", group_id=group, reason="friends", source="legal", **here
    )
    await insert(db, "blacklist", msisdn=number(2), reason="somebody else", **here)
    await insert(db, "blacklist", msisdn=number(1), reason="over", **here, expires_at=NOON)
    message_id = await insert_outbox(db, client_id=7)
    await claim(db)

    line = await rule(db, message_id, "blacklist")

    told = {row["blacklist_id"]: row for row in line["facts"]["rows"]}
    assert list(told) == [own, friends, prefix]
    assert (told[own]["names"], told[own]["reason"], told[own]["by"]) == (
        "the number", "asked", "anna",
    )  # fmt: skip
    assert moment(told[own]["since"]) == NOON - HOUR
    assert told[friends]["names"] == "group friends, of which the client is"
    assert (told[friends]["source"], told[friends]["covers_this"]) == ("legal", True)
    assert (told[prefix]["names"], told[prefix]["covers_this"]) == ("prefix 7907", False)
    assert line["detail"].startswith(f"blacklist row {own}")


async def test_a_row_that_covers_only_another_kind_is_told_though_it_passes(
    db: AsyncConnection,
) -> None:
    await insert(db, "blacklist", msisdn=number(1), reason="x", category="advertising")
    line = await rule(db, await insert_outbox(db), "blacklist")

    assert (line["verdict"], line["detail"]) == (
        "pass", "1 row(s) name it, none for this kind of message",
    )  # fmt: skip


async def test_the_reply_behind_an_opt_out_is_named(db: AsyncConnection) -> None:
    await db.execute(
        "select sms.record_inbound('post', '{r}', %s, '{900}', '{STOP все}')", [[str(number(1))]]
    )
    inbound = await value(db, "select inbound_id from sms.inbound")
    message_id = await insert_outbox(db)
    await claim(db)

    (row,) = (await rule(db, message_id, "blacklist"))["facts"]["rows"]

    assert row["source"] == "opt_out"
    assert row["inbound"]["inbound_id"] == str(inbound)
    assert (row["inbound"]["asked"], row["inbound"]["provider"]) == ("stop_all", "post")
    assert "STOP все" not in str(await explain(db, message_id))


async def test_the_failures_behind_an_automatic_row_are_named(db: AsyncConnection) -> None:
    await insert(
        db, "number_trouble", message_id=11, msisdn=number(1), at=NOON - DAY, state="undelivered",
        provider_id=await value(db, "select provider_id from sms.provider"), error="absent",
    )  # fmt: skip
    await insert(
        db, "blacklist", msisdn=number(1), reason="wrong number", source="auto",
        created_at=NOON - HOUR, created_by="auto rule 1",
    )  # fmt: skip
    message_id = await insert_outbox(db)
    await claim(db)

    (row,) = (await rule(db, message_id, "blacklist"))["facts"]["rows"]

    (failure,) = row["failures"]
    assert (failure["message_id"], failure["error"]) == ("11", "absent")


async def test_a_rule_row_is_told_in_the_version_of_that_moment(db: AsyncConnection) -> None:
    await set_caps(db)
    cap = await insert(db, "cap", period="day", max_messages=5)
    await db.execute("update sms.cap set max_messages = 3")
    versions = [
        str(row["change_id"])
        for row in await rows(
            db, "select change_id from sms.rule_change where rule_table = 'cap' and rule_key = %s"
            " order by change_id", str(cap),
        )
    ]  # fmt: skip
    message_id = await insert_outbox(db)
    await claim(db)

    (told,) = (await rule(db, message_id, "cap"))["facts"]["caps"]

    assert (told["rule"]["rule"], told["rule"]["version"]) == (f"cap {cap}", versions[-1])
    assert told["rule"]["changed_by"]


async def test_what_was_decided_outlives_the_row_that_decided(db: AsyncConnection) -> None:
    key = await insert(db, "blacklist", msisdn=number(1), reason="asked us to stop")
    message_id = await insert_outbox(db)
    await claim(db)
    await db.execute("delete from sms.blacklist")
    await db.execute(
        "update sms.rule_change set changed_at = %s where action = 'delete'", [NOON + DAY]
    )

    line = await last(db, message_id)

    # The rules of today would let it pass; what was decided then is kept.
    assert (await rule(db, message_id, "blacklist"))["verdict"] == "pass"
    assert (line["verdict"], line["reason"]) == ("suppressed", "blacklist")
    (by,) = line["facts"]["decided_by"]
    assert (by["rule"], by["row"]["reason"]) == (f"blacklist {key}", "asked us to stop")
    assert by["changed_since"].startswith("delete at ")


@pytest.mark.parametrize(
    ("named", "reason"), [("cap", "cap"), ("campaign", "holdout"), ("channel", "no_consent")]
)
async def test_the_rule_row_that_decided_is_kept(
    db: AsyncConnection, named: str, reason: str
) -> None:
    await set_caps(db)
    match reason:
        case "cap":
            await set_caps(db, {"period": "day", "max_messages": 0})
        case "no_consent":
            await change_channel(db, "single", needs_consent=True)
        case "holdout":
            await insert(db, "campaign", campaign_id=1, campaign="spring", holdout_percent=50)
    ids = await insert_many(db, [{"phone": str(number(n)), "campaign_id": 1} for n in range(30)])
    await claim(db)

    stories = [await last(db, message_id) for message_id in ids]

    (told, *_) = [line for line in stories if line["reason"] == reason]
    assert told["facts"]["decided_by"][0]["rule"].startswith(f"{named} ")


async def test_consents_are_told_with_their_proof(db: AsyncConnection) -> None:
    await change_channel(db, "single", needs_consent=True)
    message_id = await insert_outbox(db, client_id=7)
    assert (await rule(db, message_id, "consent"))["reason"] == "no_consent"

    held = await insert(
        db, "consent", client_id=7, category="transactional", proof="form 12",
        valid_from=NOON - 9000 * DAY,
    )  # fmt: skip
    await insert(
        db, "consent", msisdn=number(1), category="transactional", proof="call",
        valid_from=NOON - 9000 * DAY, withdrawn_at=NOON - 8000 * DAY, withdrawn_by="anna",
    )  # fmt: skip
    line = await rule(db, message_id, "consent")

    assert (line["verdict"], line["detail"]) == ("pass", "a consent holds")
    ours, withdrawn = line["facts"]["consents"]
    assert (ours["consent_id"], ours["of"], ours["proof"]) == (held, "the client", "form 12")
    assert (ours["holds"], withdrawn["holds"], withdrawn["withdrawn_by"]) == (True, False, "anna")


async def test_the_owner_of_a_reference_is_told(db: AsyncConnection) -> None:
    first, second = await insert_many(
        db, [{"erp_ref": "x"}, {"erp_ref": "x", "phone": str(number(2))}]
    )
    assert (await rule(db, first, "duplicate_ref"))["detail"] == "nobody owns its erp_ref yet"
    await claim(db)

    assert (await rule(db, first, "duplicate_ref"))["detail"] == "it owns its erp_ref"
    line = await rule(db, second, "duplicate_ref")
    assert (line["verdict"], line["facts"]["owner"]["message_id"]) == ("suppress", str(first))
    assert line["facts"]["owner"]["state"] == "inflight"


async def test_the_message_that_had_the_same_text_is_told(db: AsyncConnection) -> None:
    first = await insert_outbox(db, body="same")
    await send(db, first)
    second = await insert_outbox(db, body="same")
    await claim(db, as_of=NOON + MINUTE)

    line = await rule(db, second, "duplicate")

    (earlier,) = line["facts"]["earlier"]
    assert (earlier["message_id"], earlier["channel"]) == (str(first), "single")
    assert moment(earlier["at"]) == NOON
    assert line["facts"]["window"] == "00:10:00"


async def test_the_messages_that_used_up_a_cap_are_told_with_their_times(
    db: AsyncConnection,
) -> None:
    await set_caps(db, {"period": "day", "max_messages": 2}, {"period": "week", "max_messages": 9})
    sent = []
    for hour in range(2):
        sent.append(await insert_outbox(db, time_zone="Europe/Moscow"))
        await send(db, sent[-1], as_of=NOON + hour * HOUR)
    late = await insert_outbox(db, time_zone="Europe/Moscow")
    await claim(db, as_of=NOON + 2 * HOUR)

    line = await rule(db, late, "cap")

    day, week = line["facts"]["caps"]
    assert [row["message_id"] for row in day["messages"]] == [str(key) for key in sent]
    assert [moment(row["at"]) for row in day["messages"]] == [NOON, NOON + HOUR]
    assert (day["used"], day["max"], day["used_up"], day["period"]) == (2, 2, True, "day")
    assert moment(day["since"]) == moscow(WEDNESDAY, 0)
    assert (week["used"], week["used_up"]) == (2, False)


async def test_a_cap_per_client_tells_messages_to_its_other_numbers(db: AsyncConnection) -> None:
    await set_caps(db, {"period": "day", "max_messages": 1, "per": "client"})
    first = await insert_outbox(db, client_id=7, phone=str(number(1)))
    await send(db, first)
    second = await insert_outbox(db, client_id=7, phone=str(number(2)))
    await claim(db)

    (cap,) = (await rule(db, second, "cap"))["facts"]["caps"]

    assert (cap["per"], cap["messages"][0]["message_id"]) == ("client", str(first))


async def test_what_was_sent_later_does_not_speak_against_it(db: AsyncConnection) -> None:
    """The rules look an hour ahead for the sake of clocks; a story told later must not."""
    await set_caps(db, {"period": "day", "max_messages": 2})
    first = await insert_outbox(db, body="same")
    await send(db, first)
    await change_channel(db, "single", dedup_window=timedelta(0))
    second = await insert_outbox(db, body="same")
    await send(db, second, as_of=NOON + MINUTE)
    await change_channel(db, "single", dedup_window=HOUR)
    await set_caps(db, {"period": "day", "max_messages": 1})

    seen = await verdicts(db, first)

    assert (seen["duplicate"], seen["cap"]) == ("pass", "pass")
    assert (await rule(db, first, "cap"))["facts"]["caps"][0]["used"] == 0


async def test_the_draw_of_the_holdout_is_told(db: AsyncConnection) -> None:
    await insert(db, "campaign", campaign_id=1, campaign="spring", holdout_percent=50)
    ids = await insert_many(db, [{"phone": str(number(n)), "campaign_id": 1} for n in range(20)])

    lines = [await rule(db, message_id, "holdout") for message_id in ids]

    assert {line["verdict"] for line in lines} == {"pass", "suppress"}
    for line in lines:
        assert (line["facts"]["draw"] < 50) == (line["verdict"] == "suppress")
        assert (line["facts"]["campaign"], line["facts"]["holdout_percent"]) == ("spring", 50)


async def test_the_silence_is_told_with_its_window_and_zone(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await add_range(db, number(1), zone="Asia/Omsk")
    message_id = await insert_outbox(db, channel="planned")
    await claim(db, as_of=moscow(WEDNESDAY, 22))
    key = await value(db, "select quiet_hours_id from sms.quiet_hours")

    # Deferred, so it waits; asked as of the night it was deferred in.
    (line,) = [
        line
        for line in await rows(
            db, "select * from sms.explain_rules(%s, %s)", message_id, moscow(WEDNESDAY, 22)
        )
        if line["topic"] == "rule quiet_hours"
    ]

    facts = line["facts"]
    assert (line["verdict"], facts["zone"], facts["zone_from"]) == (
        "defer", "Asia/Omsk", "the number",
    )  # fmt: skip
    assert facts["local_time"]["Asia/Omsk"].endswith("01:00")
    (silence,) = facts["silences"]
    assert (silence["quiet_hours_id"], silence["holds"]) == (key, True)
    assert moment(silence["begins"]) == moscow(WEDNESDAY, 18)
    assert moment(silence["ends"]) == moscow(WEDNESDAY + DAY, 6)
    assert silence["rule"]["rule"] == f"quiet_hours {key}"
    assert moment(facts["not_before"]) >= moscow(WEDNESDAY + DAY, 6)
    assert facts["opening_spread"] == "00:30:00"


async def test_while_nothing_is_silent_the_next_silence_is_told(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    message_id = await insert_outbox(db, channel="planned", time_zone="Europe/Moscow")
    await claim(db)

    line = await rule(db, message_id, "quiet_hours")

    (silence,) = line["facts"]["silences"]
    assert (line["verdict"], line["detail"]) == ("pass", "not silent in Europe/Moscow")
    assert (silence["holds"], moment(silence["begins"])) == (False, moscow(WEDNESDAY, 21))


async def test_an_unknown_zone_is_told_with_every_zone_that_is_possible(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    line = await rule(db, await insert_outbox(db, channel="planned"), "quiet_hours")

    assert (line["facts"]["zone"], line["facts"]["zone_from"]) == ("unknown", "nothing tells it")
    assert len(line["facts"]["local_time"]) >= 11


async def test_a_holiday_that_shapes_the_silence_is_told(db: AsyncConnection) -> None:
    await insert(db, "holiday", day=WEDNESDAY.date(), kind="off", title="Day of Posts")
    message_id = await insert_outbox(db, channel="collection", time_zone="Europe/Moscow")
    await claim(db)

    (holiday,) = (await rule(db, message_id, "quiet_hours"))["facts"]["holidays"]

    assert (holiday["kind"], holiday["title"]) == ("off", "Day of Posts")


async def test_a_zone_that_would_be_understood_otherwise_today_is_told_as_it_was(
    db: AsyncConnection,
) -> None:
    await add_range(db, number(1), zone="Asia/Omsk")
    message_id = await insert_outbox(db)
    await db.execute("update sms.number_range set zone_id = 0")

    story = await explain(db, message_id)

    assert story[0]["detail"].endswith("zone Asia/Omsk (as it was understood when it came in)")
    assert (await rule(db, message_id, "quiet_hours"))["facts"]["zone"] == "Asia/Omsk"


# --- when, and what was wrong -------------------------------------------------------------------


async def test_it_says_as_of_when_the_rules_were_asked(db: AsyncConnection) -> None:
    await insert(db, "blacklist", msisdn=number(3), reason="stop")
    waits, sent, held = await insert_many(
        db,
        [
            {"phone": str(number(1)), "not_before": NOON + DAY},
            {"phone": str(number(2))},
            {"phone": str(number(3))},
        ],
    )
    await claim(db)

    told = {
        message_id: line
        for message_id in (waits, sent, held)
        for line in await explain(db, message_id)
        if line["topic"] == "rules"
    }

    assert ", now;" in told[waits]["detail"]
    assert ", when it was claimed;" in told[sent]["detail"]
    assert ", when it left the queue;" in told[held]["detail"]
    assert told[sent]["at"] == told[held]["at"] == NOON


@pytest.mark.parametrize(
    ("request_columns", "facts"),
    [
        ({"phone": "12 345"}, {"phone_characters": 6, "phone_digits": 5}),
        ({"template": "due", "vars": {"day": "x"}}, {"template": "due", "missing": ["sum"]}),
        ({"body": "x" * 1001}, {"characters": 1001, "most": 1000}),
        ({"time_zone": "Mars"}, {"time_zone": "Mars"}),
    ],
    ids=str,
)
async def test_what_was_wrong_with_a_refused_request_is_told(
    db: AsyncConnection, request_columns: dict[str, Any], facts: dict[str, Any]
) -> None:
    await add_template(db, "due", "Pay {{sum}} on {{day}}, {{name|friend}}")
    message_id = await insert_outbox(db, **request_columns)

    first = (await explain(db, message_id))[0]

    assert first["verdict"] == "refused"
    assert first["facts"].items() >= facts.items()


async def test_a_template_that_changed_later_does_not_turn_it_into_a_refusal(
    db: AsyncConnection,
) -> None:
    await add_template(db, "due", "Pay {{sum}}")
    message_id = await insert_outbox(db, template="due", vars={"sum": "1"})
    await db.execute(
        "insert into sms.template_version (template_id, body)"
        " select template_id, 'Pay {{sum}} by {{day}}' from sms.template"
    )

    assert (await explain(db, message_id))[0]["verdict"] == "understood"


async def test_the_attempt_is_told(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)
    await send(db, message_id, segments=2)

    attempts = [line for line in await explain(db, message_id) if line["topic"] == "attempt"]

    assert [line["verdict"] for line in attempts] == ["submitting", "submitted"]
    assert attempts[0]["detail"] == "a test was about to hand it over"
    assert attempts[1]["facts"]["segments"] == 2
