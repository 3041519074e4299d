"""What is planned becomes a message shortly before its moment, from what is true by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.events.conftest import (
    effects,
    fire,
    invoice,
    make_planned,
    planned,
    remind,
    set_rule,
    set_type,
)
from tests.support.clock import DAY, HOUR, MINUTE, WEDNESDAY, moscow, utc
from tests.support.factory import (
    add_version,
    claim,
    fate,
    message,
    nothing_unaccounted,
    number,
    row,
    value,
)

# A reminder of what is due on Saturday: on the Wednesday before, at ten in Moscow.
DUE = (WEDNESDAY + 3 * DAY).strftime("%Y-%m-%d")
MOMENT = moscow(WEDNESDAY, 10)


@pytest.fixture
async def reminded(db: AsyncConnection) -> AsyncConnection:
    """Client 2, in Moscow, will be reminded on Wednesday at ten."""
    await remind(db, cancelled_by=[], cancel_key=None)
    await invoice(db, 2, due=DUE)
    [plan] = await planned(db, 2)
    assert plan["due_at"] == MOMENT
    return db


async def made_at(db: AsyncConnection, as_of: datetime) -> dict[str, Any]:
    """The one message that the chore made at that moment."""
    await make_planned(db, as_of)
    return await row(db, "select * from sms.outbox")


async def test_nothing_is_made_before_its_time(reminded: AsyncConnection) -> None:
    for as_of in (MOMENT - 5 * DAY, MOMENT - 12 * HOUR, MOMENT - 11 * MINUTE):
        done = await make_planned(reminded, as_of)
        assert (done["made"], done["forgotten"]) == (0, 0)

    assert len(await planned(reminded)) == 1
    assert await value(reminded, "select count(*) from sms.outbox") == 0


async def test_it_is_made_shortly_before_and_sent_at_its_moment(reminded: AsyncConnection) -> None:
    await make_planned(reminded, MOMENT - 12 * HOUR)
    made = await made_at(reminded, MOMENT - 9 * MINUTE)

    assert made["not_before"] == MOMENT
    assert await planned(reminded) == []
    early = await claim(reminded, as_of=MOMENT - MINUTE)
    assert early.ids == []
    claimed = await claim(reminded, as_of=MOMENT)
    assert (claimed.ids, claimed.msisdns) == ([made["id"]], [number(2)])
    assert claimed.bodies == [f"Счёт 7: оплатите до {DUE}."]
    assert await nothing_unaccounted(reminded)


async def test_phone_wording_channel_and_rule_are_those_of_that_day(
    reminded: AsyncConnection,
) -> None:
    await reminded.execute(
        "update erp.local_client set phone = '8 907 000-00-55' where client_id = 2"
    )
    template = await value(
        reminded, "select template_id from sms.template where template = 'due_soon'"
    )
    await add_version(reminded, template, "Завтра срок счёта {{invoice}}.")
    await set_rule(reminded, "due_reminder", channel="mass", validity="3 hours")
    await make_planned(reminded, MOMENT - 12 * HOUR)

    made = await made_at(reminded, MOMENT - 9 * MINUTE)

    assert (made["channel"], made["expires_at"]) == ("mass", MOMENT + 3 * HOUR)
    claimed = await claim(reminded, as_of=MOMENT)
    assert (claimed.bodies, claimed.msisdns) == (["Завтра срок счёта 7."], [number(55)])


async def test_a_changed_moment_holds_for_what_is_planned(reminded: AsyncConnection) -> None:
    await set_rule(reminded, "due_reminder", shift="-1 day", at_local="18:00")
    now = await value(reminded, "select clock_timestamp()")

    done = await make_planned(reminded, now)

    assert (done["made"], done["kept"]) == (0, 1)
    [plan] = await planned(reminded)
    assert plan["due_at"] == moscow(WEDNESDAY + 2 * DAY, 18)


async def test_who_moved_gets_it_at_the_hour_of_the_new_home(reminded: AsyncConnection) -> None:
    """Looked at twelve hours before, so that moving east, where it is ten earlier, is in time."""
    await reminded.execute(
        "update erp.local_client set time_zone = 'Asia/Vladivostok' where client_id = 2"
    )

    await make_planned(reminded, MOMENT - 12 * HOUR)

    [plan] = await planned(reminded)
    assert plan["due_at"] == MOMENT - 7 * HOUR
    made = await made_at(reminded, MOMENT - 7 * HOUR - 5 * MINUTE)
    assert (made["not_before"], made["time_zone"]) == (MOMENT - 7 * HOUR, "Asia/Vladivostok")


async def test_a_client_who_is_gone_leaves_a_refused_message_and_a_note(
    reminded: AsyncConnection,
) -> None:
    await reminded.execute("delete from erp.local_client where client_id = 2")
    await make_planned(reminded, MOMENT - 12 * HOUR)
    await make_planned(reminded, MOMENT)  # unknown zones: ten everywhere is an hour later
    made = await made_at(reminded, MOMENT + HOUR)

    assert await fate(reminded, made["id"]) == "suppressed(invalid_number)"
    [effect] = await effects(reminded, await value(reminded, "select event_id from sms.event"))
    assert effect["note"] == "client 2 is not in erp.client"


async def test_a_rule_that_is_off_at_the_moment_sends_nothing(reminded: AsyncConnection) -> None:
    await set_rule(reminded, "due_reminder", is_enabled=False)
    [plan] = await planned(reminded)
    assert not plan["is_enabled"]

    await make_planned(reminded, MOMENT)

    [effect] = await effects(reminded, plan["event_id"])
    assert (effect["outcome"], effect["note"]) == ("none", "the rule is switched off")
    assert await planned(reminded) == []


async def test_a_rule_that_was_off_for_a_while_goes_on(reminded: AsyncConnection) -> None:
    await set_rule(reminded, "due_reminder", is_enabled=False)
    await set_rule(reminded, "due_reminder", is_enabled=True)

    await make_planned(reminded, MOMENT - 12 * HOUR)
    assert (await made_at(reminded, MOMENT))["client_id"] == 2


async def test_a_removed_rule_takes_its_plans_along(reminded: AsyncConnection) -> None:
    [plan] = await planned(reminded)

    assert await value(reminded, "select sms.remove_event_rule('due_reminder')") == 1

    assert await planned(reminded) == []
    [effect] = await effects(reminded, plan["event_id"])
    assert effect["note"].startswith("the rule was removed by ")
    assert (await invoice(reminded, 2, due=DUE))["planned"] == 0
    await remind(reminded)  # the name is free again
    assert (await invoice(reminded, 2, due=DUE))["planned"] == 1


async def test_a_condition_changed_meanwhile_is_asked_again(reminded: AsyncConnection) -> None:
    [plan] = await planned(reminded)
    await set_rule(reminded, "due_reminder", condition='$.invoice == "8"')

    await make_planned(reminded, MOMENT - 12 * HOUR)

    [effect] = await effects(reminded, plan["event_id"])
    assert (effect["outcome"], effect["note"]) == ("none", "its condition holds no longer")


async def test_after_downtime_it_goes_while_it_is_worth_it(reminded: AsyncConnection) -> None:
    """Nobody did the chore for a day; the channel's validity of a day decides."""
    made = await made_at(reminded, MOMENT + 23 * HOUR)

    claimed = await claim(reminded, as_of=MOMENT + 23 * HOUR)
    assert claimed.ids == [made["id"]]
    assert (await message(reminded, made["id"]))["not_before"] == MOMENT


async def test_after_longer_downtime_it_has_expired(db: AsyncConnection) -> None:
    await remind(db, validity="2 hours")
    await invoice(db, 2, due=DUE)

    await make_planned(db, MOMENT + 3 * HOUR)
    await claim(db, as_of=MOMENT + 3 * HOUR)

    made = await value(db, "select id from sms.outbox")
    assert await fate(db, made) == "suppressed(expired)"


async def test_the_chore_takes_a_thousand_at_a_time_and_loses_none(db: AsyncConnection) -> None:
    await set_rule(db, "later", event_type="late", template="late", shift="2 days")
    await db.execute(
        """
        select sms.fire_events('late', array(select n::bigint from generate_series(1, 2500) as n),
                               array(select '{"amount": 1}'::jsonb from generate_series(1, 2500)))
        """
    )
    now = await value(db, "select clock_timestamp()")

    made = [(await make_planned(db, now + timedelta(days=3)))["made"] for _ in range(4)]

    assert made == [1000, 1000, 500, 0]
    assert await value(db, "select count(distinct client_id) from sms.outbox") == 2500


async def test_two_events_of_one_key_planned_at_once_send_one_message(
    conn: AsyncConnection, dsn: str
) -> None:
    from tests.events.conftest import furnish

    await furnish(conn)
    await remind(conn)
    variables = {"invoice": "7", "due_date": DUE}
    async with await AsyncConnection.connect(dsn) as one, await AsyncConnection.connect(dsn) as two:
        for session in (one, two):
            await fire(session, "invoice", 2, variables, "invoice-7")
        await one.commit()
        await two.commit()
    assert len(await planned(conn, 2)) == 2
    await make_planned(conn, MOMENT - 12 * HOUR)
    await make_planned(conn, MOMENT)

    await claim(conn, as_of=MOMENT)
    await claim(conn, as_of=MOMENT)

    states = await value(conn, "select array_agg(state order by state) from sms.message")
    assert states == ["inflight", "suppressed"]


async def test_days_before_a_date_that_has_a_zone(db: AsyncConnection) -> None:
    await set_type(db, "visit", at="moment")
    await set_rule(
        db, "eve", event_type="visit", template="thanks", date_variable="at", shift="-1 day",
        at_local="18:00",
    )  # fmt: skip

    await fire(db, "visit", 1, {"at": "2030-03-20T01:00:00+03:00"})  # 04:00 in Omsk

    [plan] = await planned(db, 1)
    assert plan["due_at"].astimezone(UTC) == utc("2030-03-19 12:00")
