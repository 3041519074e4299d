"""Which event and which rule made a message, and what became of an event."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.events.conftest import fire, invoice, pay, remind, set_rule
from tests.support.factory import Row, insert_outbox, rows


async def story(db: AsyncConnection, event_id: int) -> list[tuple[str, str, str | None, str]]:
    """The steps of an event without moments and ids."""
    steps = await rows(db, "select * from sms.explain_event(%s)", event_id)
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    return [(one["topic"], one["verdict"], one["rule"], one["detail"] or "") for one in steps]


async def about(db: AsyncConnection, message_id: int) -> list[Row]:
    """What sms.explain says of a message."""
    return await rows(db, "select * from sms.explain(%s)", message_id)


async def test_each_rule_tells_what_it_made(db: AsyncConnection) -> None:
    await set_rule(db, "now", event_type="late", template="late")
    await set_rule(db, "later", event_type="late", template="late", shift="2 days")
    await set_rule(db, "rich", event_type="late", template="late", condition="$.amount > 10")
    fired = await fire(db, "late", 2, {"amount": 5}, "k-1")
    await set_rule(db, "young", event_type="late", template="late")

    steps = await story(db, fired["event_id"])

    assert steps[0] == ("event", "fired", None, "late of client 2, key k-1")
    assert {(verdict, rule): detail for _, verdict, rule, detail in steps[1:]} == {
        ("message", "now"): "template late, channel single",
        ("planned", "later"): "template late, channel single",
        ("nothing", "rich"): 'its condition does not hold: ($."amount" > 10)',
        ("nothing", "young"): "the rule is younger than the event",
    }


async def test_a_cancelling_event_tells_what_it_took_back(db: AsyncConnection) -> None:
    await remind(db)
    issued = await invoice(db, 2, "7")
    paid = await pay(db, 2, invoice="7")

    assert await story(db, paid["event_id"]) == [
        ("event", "fired", None, "payment of client 2"),
        ("took back", "cancelled", "due_reminder", f"of event {issued['event_id']}"),
    ]
    assert (await story(db, issued["event_id"]))[1] == (
        "rule", "cancelled", "due_reminder", f"by event {paid['event_id']}",
    )  # fmt: skip


async def test_an_event_that_does_not_exist(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await story(db, 7)
    assert caught.value.sqlstate == "SM054"


async def test_the_story_of_a_message_begins_with_its_event(db: AsyncConnection) -> None:
    await set_rule(db, "now", event_type="late", template="late")
    fired = await fire(db, "late", 2, {"amount": 5}, "k-1")

    steps = await about(db, fired["message_ids"][0])

    first = steps[0]
    assert (first["topic"], first["verdict"], first["detail"]) == (
        "event",
        "fired",
        "late, rule now",
    )
    assert first["facts"]["event_id"] == str(fired["event_id"])
    assert first["facts"]["event_key"] == "k-1"
    assert steps[1]["topic"] == "request"


async def test_a_message_from_no_event_says_nothing_of_one(db: AsyncConnection) -> None:
    id_ = await insert_outbox(db)

    assert "event" not in {step["topic"] for step in await about(db, id_)}
