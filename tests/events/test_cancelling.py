"""Events that take back what others planned: a payment cancels the reminder of that invoice."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.events.conftest import (
    effects,
    fire,
    furnish,
    invoice,
    make_planned,
    pay,
    planned,
    remind,
    set_rule,
)
from tests.support.clock import DAY, HOUR, MINUTE, WEDNESDAY, moscow
from tests.support.factory import (
    claim,
    fate,
    mark,
    message,
    nothing_unaccounted,
    settle,
    value,
)

DUE = (WEDNESDAY + 3 * DAY).strftime("%Y-%m-%d")
MOMENT = moscow(WEDNESDAY, 10)


@pytest.fixture
async def reminding(db: AsyncConnection) -> AsyncConnection:
    """Invoices are reminded of until they are paid."""
    await remind(db)
    return db


async def materialise(db: AsyncConnection) -> int:
    """Let the chore make the only planned message; its id."""
    await make_planned(db, MOMENT - 12 * HOUR)
    await make_planned(db, MOMENT - 5 * MINUTE)
    return int(await value(db, "select id from sms.outbox"))


async def test_a_payment_cancels_the_reminder_of_that_invoice_only(
    reminding: AsyncConnection,
) -> None:
    seven = await invoice(reminding, 2, "7", DUE)
    await invoice(reminding, 2, "8", DUE)
    await invoice(reminding, 4, "7", DUE)

    paid = await pay(reminding, 2, invoice="7")

    assert paid["cancelled"] == 1
    left = [(one["client_id"], one["cancel_value"]) for one in await planned(reminding)]
    assert sorted(left) == [(2, "8"), (4, "7")]
    [effect] = await effects(reminding, seven["event_id"])
    assert effect["outcome"] == "cancelled"
    assert effect["cancelled_by_event_id"] == paid["event_id"]
    assert effect["message_id"] is None


@pytest.mark.parametrize("variables", [{}, {"invoice": "9"}, {"invoice": None}, {"invoice": 70}])
async def test_a_payment_of_something_else_cancels_nothing(
    reminding: AsyncConnection, variables: dict[str, Any]
) -> None:
    await invoice(reminding, 2, "7", DUE)

    assert (await pay(reminding, 2, **variables))["cancelled"] == 0
    assert len(await planned(reminding)) == 1


async def test_without_a_key_variable_everything_of_the_client_is_cancelled(
    db: AsyncConnection,
) -> None:
    await remind(db, cancel_key=None)
    for client, number in ((2, "7"), (2, "8"), (4, "7")):
        await invoice(db, client, number, DUE)

    assert (await pay(db, 2))["cancelled"] == 2
    assert [one["client_id"] for one in await planned(db)] == [4]


async def test_a_payment_after_the_message_was_made_takes_it_back(
    reminding: AsyncConnection,
) -> None:
    issued = await invoice(reminding, 2, "7", DUE)
    id_ = await materialise(reminding)
    [plan] = await planned(reminding)
    assert plan["message_id"] == id_

    assert (await pay(reminding, 2, invoice="7"))["cancelled"] == 1

    seen = await message(reminding, id_)
    assert (seen["state"], seen["reason"], seen["detail"]) == (
        "cancelled", "cancelled", "by event payment",
    )  # fmt: skip
    assert await planned(reminding) == []
    [effect] = await effects(reminding, issued["event_id"])
    assert (effect["outcome"], effect["message_id"]) == ("cancelled", id_)
    assert (await claim(reminding, as_of=MOMENT)).ids == []
    assert await nothing_unaccounted(reminding)


async def test_a_notice_that_waits_for_morning_is_cancelled_too(db: AsyncConnection) -> None:
    """Made at once, held by quiet hours: a payment still finds it."""
    await set_rule(
        db, "late_notice", event_type="late", template="late", channel="mass",
        cancelled_by=["payment"],
    )  # fmt: skip
    fired = await fire(db, "late", 2, {"amount": 5})

    assert (await pay(db, 2))["cancelled"] == 1
    assert await fate(db, fired["message_ids"][0]) == "cancelled(cancelled)"


async def test_in_the_same_transaction(conn: AsyncConnection) -> None:
    await furnish(conn)
    await remind(conn)
    await set_rule(
        conn, "late_notice", event_type="late", template="late", cancelled_by=["payment"]
    )
    async with conn.transaction():
        fired = await fire(conn, "late", 2, {"amount": 5})
        await invoice(conn, 2, "7", DUE)
        assert (await pay(conn, 2, invoice="7"))["cancelled"] == 2

    assert await planned(conn) == []
    assert await fate(conn, fired["message_ids"][0]) == "cancelled(cancelled)"


async def test_a_payment_that_is_rolled_back_cancels_nothing(conn: AsyncConnection) -> None:
    await furnish(conn)
    await remind(conn)
    await invoice(conn, 2, "7", DUE)
    async with conn.transaction(force_rollback=True):
        assert (await pay(conn, 2, invoice="7"))["cancelled"] == 1

    assert len(await planned(conn)) == 1
    assert await materialise(conn)


async def test_a_payment_before_the_invoice_cancels_nothing(reminding: AsyncConnection) -> None:
    await pay(reminding, 2, invoice="7")

    assert (await invoice(reminding, 2, "7", DUE))["planned"] == 1


async def test_a_key_that_was_fired_before_cancels_nothing_again(
    reminding: AsyncConnection,
) -> None:
    await fire(reminding, "payment", 2, {"invoice": "7"}, "p-1")
    await invoice(reminding, 2, "7", DUE)

    assert (await fire(reminding, "payment", 2, {"invoice": "7"}, "p-1"))["cancelled"] == 0
    assert len(await planned(reminding)) == 1


async def test_an_event_may_take_back_what_its_own_type_planned(db: AsyncConnection) -> None:
    """Three invoices in a row: one reminder, of the last."""
    await remind(db, cancelled_by=["invoice"], cancel_key=None)
    for name in ("7", "8"):
        await invoice(db, 2, name, DUE)
    answers = await value(
        db,
        """
        select array_agg(f.cancelled order by f.event_id)
          from sms.fire_events('invoice', '{2,2}', array[%s::jsonb, %s::jsonb]) as f
        """,
        f'{{"invoice": "9", "due_date": "{DUE}"}}',
        f'{{"invoice": "10", "due_date": "{DUE}"}}',
    )

    assert answers == [1, 1]
    [left] = await planned(db)
    event = await value(
        db, "select vars ->> 'invoice' from sms.event where event_id = %s", left["event_id"]
    )
    assert event == "10"


async def test_many_payments_in_one_statement(reminding: AsyncConnection) -> None:
    await reminding.execute(
        """
        select sms.fire_events('invoice',
                               array(select n::bigint from generate_series(1, 2000) as n),
                               array(select jsonb_build_object('invoice', n, 'due_date', %s::text)
                                       from generate_series(1, 2000) as n))
        """,
        [DUE],
    )

    cancelled = await value(
        reminding,
        """
        select sum(f.cancelled)
          from sms.fire_events('payment',
                   array(select n::bigint from generate_series(1, 2000) as n),
                   array(select jsonb_build_object('invoice', n - n % 2)
                           from generate_series(1, 2000) as n)) as f
        """,
    )

    assert cancelled == 1000
    assert {one["client_id"] % 2 for one in await planned(reminding)} == {1}


async def test_what_was_sent_is_not_recalled_and_then_forgotten(
    reminding: AsyncConnection,
) -> None:
    issued = await invoice(reminding, 2, "7", DUE)
    id_ = await materialise(reminding)
    claimed = await claim(reminding, as_of=MOMENT)
    await settle(reminding, claimed.claim_id, claimed.ids)

    assert (await pay(reminding, 2, invoice="7"))["cancelled"] == 0

    assert await fate(reminding, id_) == "accepted"
    assert await planned(reminding) == []
    [effect] = await effects(reminding, issued["event_id"])
    assert effect["outcome"] == "message"


async def test_what_a_worker_holds_is_cancelled_when_it_comes_back(
    reminding: AsyncConnection,
) -> None:
    await invoice(reminding, 2, "7", DUE)
    id_ = await materialise(reminding)
    claimed = await claim(reminding, as_of=MOMENT)
    await mark(reminding, claimed.claim_id, claimed.ids)

    assert (await pay(reminding, 2, invoice="7"))["cancelled"] == 0
    await settle(reminding, claimed.claim_id, claimed.ids, "retry", segments=None)
    assert await fate(reminding, id_) == "pending"
    done = await make_planned(reminding, MOMENT + HOUR)

    assert done["cancelled"] == 1
    assert await fate(reminding, id_) == "cancelled(cancelled)"
    assert await value(reminding, "select count(*) from sms.event_recheck") == 0


async def test_a_plan_is_forgotten_when_its_message_is_decided(reminding: AsyncConnection) -> None:
    await invoice(reminding, 2, "7", DUE)
    id_ = await materialise(reminding)
    await make_planned(reminding, MOMENT + HOUR)
    assert len(await planned(reminding)) == 1  # it still waits, so it may still be cancelled

    await value(reminding, "select sms.cancel(%s)", id_)
    done = await make_planned(reminding, MOMENT + 3 * HOUR)

    assert done["forgotten"] == 1
    assert await planned(reminding) == []


async def test_a_payment_waits_for_nobody_and_is_applied_afterwards(
    conn: AsyncConnection, dsn: str
) -> None:
    """Another session is just working on the plan: the chore cancels once that is done."""
    await furnish(conn)
    await remind(conn)
    await invoice(conn, 2, "7", DUE)
    async with await AsyncConnection.connect(dsn) as busy:
        await make_planned(busy, MOMENT - 12 * HOUR)  # locks the row and does not commit
        await conn.execute("set lock_timeout = '5s'")
        paid = await pay(conn, 2, invoice="7")
        assert paid["cancelled"] == 0
        await busy.commit()

    now = await value(conn, "select clock_timestamp() + interval '10 seconds'")
    assert (await make_planned(conn, now))["cancelled"] == 1
    assert await planned(conn) == []


async def test_two_sessions_that_cancel_crosswise_do_not_deadlock(
    conn: AsyncConnection, dsn: str
) -> None:
    await furnish(conn)
    await remind(conn, cancel_key=None)
    await invoice(conn, 2, "7", DUE)
    await invoice(conn, 4, "7", DUE)
    async with await AsyncConnection.connect(dsn) as one, await AsyncConnection.connect(dsn) as two:
        for session in (one, two):
            await session.execute("set lock_timeout = '5s'")
        assert (await pay(one, 2))["cancelled"] == 1
        assert (await pay(two, 4))["cancelled"] == 1
        assert (await pay(one, 4))["cancelled"] == 0
        assert (await pay(two, 2))["cancelled"] == 0
        await one.rollback()
        await two.commit()

    # The first session's payment never happened, the second's of client 2 did.
    now = await value(conn, "select clock_timestamp() + interval '10 seconds'")
    await make_planned(conn, now)
    assert await planned(conn) == []


async def test_a_rule_that_is_off_can_still_be_cancelled(reminding: AsyncConnection) -> None:
    await invoice(reminding, 2, "7", DUE)
    await set_rule(reminding, "due_reminder", is_enabled=False)

    assert (await pay(reminding, 2, invoice="7"))["cancelled"] == 1
