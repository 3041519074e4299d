"""accept_outbox, interpret_request, refuse_unknown_names: an INSERT is understood."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tests.support.clock import DAY, HOUR, NOON, TICK
from tests.support.factory import (
    add_range,
    add_template,
    add_version,
    change_channel,
    claim,
    fate,
    insert_many,
    insert_outbox,
    message,
    nothing_unaccounted,
    number,
    row,
    rows,
    value,
)


async def test_a_usable_request_waits(db: AsyncConnection) -> None:
    message_id = await insert_outbox(
        db, phone="+7 907 000-00-01", client_id=7, campaign_id=8, not_before=NOON
    )

    seen = await row(db, "select * from sms.pending")

    assert (seen["id"], seen["msisdn"], seen["not_before"]) == (message_id, number(1), NOON)
    assert (seen["client_id"], seen["campaign_id"], seen["attempt"]) == (7, 8, 0)
    assert await nothing_unaccounted(db)


async def test_the_bare_minimum_is_a_phone_and_a_text(db: AsyncConnection) -> None:
    before = datetime.now(UTC)
    await db.execute("insert into sms.outbox (phone, body) values ('89070000001', 'hello')")

    seen = await row(
        db, "select m.channel, m.state, m.not_before, m.created_at from sms.message as m"
    )

    assert (seen["channel"], seen["state"]) == ("single", "pending")
    assert before - HOUR < seen["created_at"] <= seen["not_before"]
    assert (await claim(db, as_of=None)).bodies == ["hello"]


async def test_many_rows_of_one_statement_are_each_understood(db: AsyncConnection) -> None:
    ids = await insert_many(
        db,
        [
            {"phone": "89070000001"},
            {"phone": "no number"},
            {"phone": "8 (495) 123-45-67", "channel": "mass"},
            {"phone": "89350000001", "channel": "planned"},
        ],
    )

    assert [await fate(db, message_id) for message_id in ids] == [
        "pending",
        "suppressed(invalid_number)",
        "suppressed(not_mobile)",
        "pending",
    ]


async def test_a_refused_row_keeps_what_is_known_of_it(db: AsyncConnection) -> None:
    await insert_outbox(db, body="", client_id=7, campaign_id=8)

    seen = await row(db, "select * from sms.outcome")

    assert (seen["state"], seen["reason"], seen["attempts"]) == ("suppressed", "empty_text", 0)
    assert (seen["msisdn"], seen["client_id"], seen["campaign_id"]) == (number(1), 7, 8)
    assert seen["final_at"] == seen["decided_at"]


async def test_an_insert_of_no_rows_is_fine(db: AsyncConnection) -> None:
    await db.execute("insert into sms.outbox (phone, body) select '1', '2' where false")

    assert await value(db, "select count(*) from sms.message") == 0


async def test_an_unknown_channel_is_an_error_that_lists_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error, match='unknown channel "singel"') as refused:
        async with db.transaction():
            await insert_many(db, [{}, {"channel": "singel"}])

    assert refused.value.sqlstate == "SM001"
    assert refused.value.diag.message_hint == (
        "Channels: collection, mass, otp, planned, reply, single."
    )
    assert await value(db, "select count(*) from sms.outbox") == 0


async def test_an_unknown_template_is_an_error_that_lists_the_known(db: AsyncConnection) -> None:
    await add_template(db, "due", "Pay")
    await add_template(db, "empty")

    for name in ("deu", "empty"):
        with pytest.raises(psycopg.Error, match=f'unknown template "{name}"') as refused:
            async with db.transaction():
                await insert_outbox(db, template=name)
        assert refused.value.sqlstate == "SM002"
        assert "due" in (refused.value.diag.message_hint or "")


async def test_without_any_template_the_hint_says_so(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await insert_outbox(db, template="due")

    assert refused.value.diag.message_hint == "There are no templates yet."


async def test_a_row_may_lower_its_priority_and_not_raise_it(db: AsyncConnection) -> None:
    await change_channel(db, "mass", priority=2)
    ids = await insert_many(
        db, [{"channel": "mass", "priority": given} for given in (0, 2, 3, None)]
    )

    found = await rows(db, "select id, priority from sms.pending order by id")

    assert [tuple(seen.values()) for seen in found] == list(zip(ids, [2, 2, 3, 2], strict=True))


async def test_a_not_before_in_the_past_means_now(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before=NOON - 400 * DAY)

    seen = await message(db, message_id)
    assert abs(seen["not_before"] - datetime.now(UTC)) < HOUR


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [(NOON, "suppressed(expired)"), (NOON + TICK, "pending"), (None, "pending")],
)
async def test_a_request_that_expires_before_it_may_go_is_refused(
    db: AsyncConnection, expires_at: datetime | None, expected: str
) -> None:
    assert await fate(db, await insert_outbox(db, expires_at=expires_at)) == expected


async def test_the_validity_of_the_channel_fills_in(db: AsyncConnection) -> None:
    await change_channel(db, "single", validity=timedelta(minutes=7))
    await insert_outbox(db)

    assert await value(db, "select expires_at from sms.pending") == NOON + timedelta(minutes=7)


@pytest.mark.parametrize(
    ("length", "expected"), [(1000, "pending"), (1001, "suppressed(text_too_long)")]
)
async def test_a_text_has_at_most_a_thousand_characters(
    db: AsyncConnection, length: int, expected: str
) -> None:
    assert await fate(db, await insert_outbox(db, body="я" * length)) == expected


@pytest.mark.parametrize("body", ["", None])
async def test_a_text_is_needed(db: AsyncConnection, body: str | None) -> None:
    assert await fate(db, await insert_outbox(db, body=body)) == "suppressed(empty_text)"


@pytest.mark.parametrize("zone", ["Europe/Moskow", "", "unknown", "+03:00", "MSK"])
async def test_a_zone_nobody_knows_is_refused(db: AsyncConnection, zone: str) -> None:
    assert await fate(db, await insert_outbox(db, time_zone=zone)) == "suppressed(bad_time_zone)"


async def test_of_several_faults_the_number_is_told_first(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, phone="x", body="", time_zone="x", expires_at=NOON)

    assert await fate(db, message_id) == "suppressed(invalid_number)"


@pytest.mark.parametrize(
    ("numbers", "operator", "zone"),
    [
        ((0, 9), "mts", "Asia/Omsk"),
        ((5, 5), "mts", "Asia/Omsk"),
        ((0, 4), "other", "unknown"),
        ((6, 9), "other", "unknown"),
    ],
)
async def test_the_range_that_holds_the_number_tells_operator_and_zone(
    db: AsyncConnection, numbers: tuple[int, int], operator: str, zone: str
) -> None:
    await add_range(db, number(numbers[0]), number(numbers[1]), operator="mts", zone="Asia/Omsk")
    await insert_outbox(db, phone=str(number(5)))

    seen = await row(
        db,
        """
        select o.operator, z.name
          from sms.pending as p
          join sms.lane as l using (lane_id)
          join sms.operator as o using (operator_id)
          join sms.time_zone as z using (zone_id)
        """,
    )

    assert tuple(seen.values()) == (operator, zone)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"time_zone": "Asia/Tomsk", "phone": str(number(1))}, "Asia/Tomsk"),
        ({"phone": str(number(1))}, "Asia/Omsk"),
        ({"phone": str(number(2))}, "Asia/Chita"),
        ({"phone": str(number(3))}, "Asia/Chita"),
    ],
)
async def test_the_zone_is_the_rows_else_the_numbers_else_the_channels(
    db: AsyncConnection, columns: dict[str, Any], told: str
) -> None:
    await change_channel(db, "single", time_zone="Asia/Chita")
    await add_range(db, number(1), zone="Asia/Omsk")
    await add_range(db, number(2), zone="unknown")
    await insert_outbox(db, **columns)

    assert told == await value(
        db, "select z.name from sms.pending as p join sms.time_zone as z using (zone_id)"
    )


async def test_a_zone_of_the_channel_that_is_none_counts_as_unknown(db: AsyncConnection) -> None:
    """A constraint keeps such a name out; were it gone, the widest silence would hold."""
    await db.execute(
        'alter table sms.channel drop constraint "time_zone is a zone that sms.time_zone knows"'
    )
    await change_channel(db, "single", time_zone="Mars/Olympus")
    await insert_outbox(db)

    assert await value(db, "select zone_id from sms.pending") == 0


async def test_a_message_keeps_the_wording_that_was_current_at_its_insert(
    db: AsyncConnection,
) -> None:
    await add_template(db, "due", "one {{x}}", "two {{x}}")
    await insert_outbox(db, template="due", vars={"x": "1"})
    template_id = await value(db, "select template_id from sms.template")
    await add_version(db, template_id, "three {{x}} {{y}}")

    assert (await claim(db)).bodies == ["two 1"]


async def test_a_template_wins_over_a_body(db: AsyncConnection) -> None:
    await add_template(db, "due", "from the template")
    await insert_outbox(db, template="due", body="from the row")

    assert (await claim(db)).bodies == ["from the template"]


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        ("Pay {{sum}}", {"sum": "1"}, "pending"),
        ("Pay {{sum}}", {"total": "1"}, "suppressed(missing_variable)"),
        ("Pay {{sum}}", {"sum": None}, "suppressed(missing_variable)"),
        ("Pay {{sum}}", None, "suppressed(missing_variable)"),
        ("Pay {{sum}}", [1], "suppressed(missing_variable)"),
        ("Pay {{sum}}", "1", "suppressed(missing_variable)"),
        ("Pay {{sum|something}}", None, "pending"),
        ("Pay", None, "pending"),
        ("{{all}}", {"all": ""}, "suppressed(empty_text)"),
        ("{{all}}", {"all": "x" * 1001}, "suppressed(text_too_long)"),
        ("{{all}}", {"all": "x" * 1000}, "pending"),
    ],
)
async def test_a_template_is_tried_on_when_the_row_comes_in(
    db: AsyncConnection, body: str, values: Any, expected: str
) -> None:
    await add_template(db, "due", body)

    assert await fate(db, await insert_outbox(db, template="due", vars=values)) == expected


@pytest.mark.parametrize(
    ("body", "values", "text"),
    [
        ("Hello", {}, "Hello"),
        ("{{a}}{{b}}", {"a": "1", "b": "2"}, "12"),
        ("{{ a }} and {{a}}", {"a": "x"}, "x and x"),
        ("{{a|none}}", {}, "none"),
        ("{{a|none}}", {"a": "some"}, "some"),
        ("{{a|}}!", {}, "!"),
        ("{{a|x|y}}", {}, "x|y"),
        ("{{sum}} ₽", {"sum": 12.5}, "12.5 ₽"),
        ("{{ok}}", {"ok": True}, "true"),
        ("{{a}}", {"a": "{{b}}", "b": "no"}, "{{b}}"),
        ("a { b } {c} }} {{", {}, "a { b } {c} }} {{"),
        ("open {{a", {"a": "1"}, "open {{a"),
        ("{{имя}}, привет", {"имя": "Анна"}, "Анна, привет"),
        ("{{a}}", {}, None),
        ("{{}}", {}, None),
        ("{{a}}", None, None),
    ],
)
async def test_a_text_is_made_of_a_template_and_values(
    db: AsyncConnection, body: str, values: Any, text: str | None
) -> None:
    made = await value(
        db,
        "select sms.render(%s, %s)",
        body,
        None if values is None else Jsonb(values),
    )

    assert made == text


async def test_rows_of_the_outbox_are_never_changed_or_deleted(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db)

    for attempt in ("update sms.outbox set body = 'x'", "delete from sms.outbox"):
        with pytest.raises(psycopg.Error, match="never changed or deleted") as refused:
            async with db.transaction():
                await db.execute(attempt)
        assert refused.value.sqlstate == "SM003"
        assert "sms.cancel" in (refused.value.diag.message_hint or "")
    assert (await claim(db)).ids == [message_id]


async def test_what_is_rolled_back_was_never_there(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as erp,
    ):
        await insert_many(erp, [{}, {"phone": "none"}])
        await erp.rollback()

        assert await value(owner, "select count(*) from sms.message") == 0
        assert await nothing_unaccounted(owner)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("accepted", "delivered", True),
        ("uncertain", "failed", True),
        ("delivered", "accepted", False),
        ("suppressed", "accepted", False),
        ("cancelled", "failed", False),
        ("rejected", "accepted", False),
    ],
)
async def test_only_moves_that_are_written_down_are_made(
    db: AsyncConnection, before: str, after: str, allowed: bool
) -> None:
    await db.execute(
        """
        insert into sms.outcome (id, decided_at, final_at, state, reason)
        values (sms.next_id(), now(), now(), %s, 'blacklist')
        """,
        [before],
    )

    move = "update sms.outcome set state = %s"
    if allowed:
        await db.execute(move, [after])
        return
    with pytest.raises(psycopg.Error, match=f"from {before} to {after}") as refused:
        await db.execute(move, [after])
    assert refused.value.sqlstate == "SM007"


async def test_what_was_asked_of_the_start_is_shown_after_the_end(db: AsyncConnection) -> None:
    ids = await insert_many(
        db,
        [
            {"body": "", "not_before": None},
            {"body": "", "not_before": "2098-01-01 00:00+00"},
            {"body": "", "not_before": "-infinity"},
            {"body": "", "not_before": "infinity"},
        ],
    )

    shown = [(await message(db, message_id))["not_before"] for message_id in ids]

    assert [moment and moment.year for moment in shown] == [None, 2098, 1970, 9999]


@pytest.mark.parametrize(
    ("column", "most"),
    [
        ("validity", "100 years"),
        ("dedup_window", "366 days"),
        ("retry_base", "366 days"),
        ("uncertain_after", "100 years"),
    ],
)
async def test_no_length_of_time_of_a_channel_leads_out_of_the_calendar(
    db: AsyncConnection, column: str, most: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=most):
        async with db.transaction():
            await change_channel(db, "single", **{column: "100000000 years"})

    await change_channel(db, "single", **{column: most})
    message_id = await insert_outbox(db, not_before=None)
    await claim(db, as_of=None)
    assert await fate(db, message_id) in ("pending", "inflight")


async def test_a_pace_is_a_number(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="tps is a number"):
        await db.execute("update sms.provider set tps = 'NaN'")
