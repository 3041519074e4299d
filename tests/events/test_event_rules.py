"""Event types and rules: what cannot work is refused with a sentence, changes are kept."""

from __future__ import annotations

import json
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.events.conftest import remind, set_rule, set_type
from tests.support.factory import changes, row, rows, value

WORKING: dict[str, Any] = {"event_type": "invoice", "template": "due_soon"}


@pytest.mark.parametrize(
    ("settings", "code", "sentence", "hint"),
    [
        ({"event_type": "nope"}, "SM050", 'unknown event type "nope"', "invoice, late, payment"),
        ({"template": "nope"}, "SM002", 'unknown template "nope"', "due_soon"),
        ({"template": "due_soon@9"}, "SM002", 'unknown template "due_soon@9"', "due_soon"),
        ({"channel": "nope"}, "SM001", 'unknown channel "nope"', "mass"),
        ({"colour": "red"}, "SM051", "unknown setting of an event rule: colour", "at_local"),
        ({"condition": "$.invoice"}, "SM051", "no yes-or-no question", "Compare something"),
        ({"condition": "$.amount + 1"}, "SM051", "no yes-or-no question", "Compare something"),
        ({"condition": "$.amount > $limit"}, "SM051", "no yes-or-no question", "Compare"),
        ({"condition": "$.amount > 5"}, "SM051", "uses amount, which event type", "due_date"),
        ({"template": "late"}, "SM051", 'uses amount, which event type "invoice" does not', "in"),
        ({"date_variable": "paid_on"}, "SM051", "uses paid_on, which", "due_date, invoice"),
        ({"date_variable": "invoice", "at_local": "10:00"}, "SM051", "which is no date", "date"),
        ({"date_variable": "due_date"}, "SM051", "a date without a time of day", "at_local"),
        ({"at_local": "24:00"}, "SM051", "at_local is 00:00 to 23:59", "Midnight"),
        ({"cancelled_by": ["paid"]}, "SM051", 'cancelled by unknown event type "paid"', "payment"),
        ({"cancelled_by": ["payment"], "cancel_key": "due_date"}, "SM051",
         'compares due_date, which event type "payment" does not declare', "Both events"),
    ],
)  # fmt: skip
async def test_a_rule_that_could_not_work_is_refused(
    db: AsyncConnection, settings: dict[str, Any], code: str, sentence: str, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await set_rule(db, "reminder", **{**WORKING, **settings})

    assert caught.value.sqlstate == code
    assert sentence in (caught.value.diag.message_primary or "")
    assert hint in (caught.value.diag.message_hint or "")


@pytest.mark.parametrize(
    "settings",
    [
        {"shift": "-1 day"},  # before what?
        {"shift": "5 hours", "at_local": "10:00"},
        {"shift": "20 years"},
        {"if_past": "perhaps"},
        {"validity": "0"},
        {"cancel_key": "invoice"},
        {"condition": "$.invoice =="},
        {"at_local": "25:00"},
        {"shift": "soon"},
    ],
)
async def test_nonsense_is_refused_by_the_table(
    db: AsyncConnection, settings: dict[str, Any]
) -> None:
    with pytest.raises(
        (psycopg.errors.CheckViolation, psycopg.DataError, psycopg.errors.SyntaxError)
    ):
        await set_rule(db, "reminder", **{**WORKING, **settings})


async def test_a_rule_inserted_by_hand_is_checked_too(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error, match="unknown template"):
        await db.execute(
            """
            insert into sms.event_rule (event_rule, event_type_id, template, channel)
            select 'mine', t.event_type_id, 'nope', 'single'
              from sms.event_type as t where t.event_type = 'late'
            """
        )


async def test_what_is_not_named_stays_and_null_takes_away(db: AsyncConnection) -> None:
    await remind(db)

    assert await set_rule(db, "due_reminder", at_local="11:00") == "changed"
    assert await set_rule(db, "due_reminder", at_local="11:00") == "unchanged"
    assert await set_rule(db, "due_reminder", cancelled_by=None, cancel_key=None) == "changed"

    rule = await row(db, "select * from sms.event_rule")
    assert str(rule["at_local"]) == "11:00:00"
    assert (rule["template"], rule["date_variable"]) == ("due_soon", "due_date")
    assert (rule["cancelled_by"], rule["cancel_key"], rule["channel"]) == ([], None, "single")


@pytest.mark.parametrize(
    "query",
    [
        "select sms.set_event_rule('nope', '{\"channel\": \"mass\"}')",
        "select sms.remove_event_rule('nope')",
    ],
)
async def test_an_unknown_rule_is_named(db: AsyncConnection, query: LiteralString) -> None:
    await remind(db)
    with pytest.raises(psycopg.Error) as caught:
        await db.execute(query)

    assert caught.value.sqlstate == "SM053"
    assert "due_reminder" in (caught.value.diag.message_hint or "")


@pytest.mark.parametrize(
    "variables", ['{"a": "colour"}', '{"a": 1}', '["a"]', '{"a b": "text"}', '{"a": "text??"}']
)
async def test_kinds_of_variables_are_checked(db: AsyncConnection, variables: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=r"variables are .*optional"):
        await db.execute("select sms.set_event_type('odd', p_variables => %s)", [variables])


async def test_a_variable_that_a_rule_uses_cannot_go(db: AsyncConnection) -> None:
    await remind(db)

    for event_type in ("invoice", "payment"):
        async with db.transaction(force_rollback=True):
            with pytest.raises(psycopg.Error, match="does not declare"):
                await set_type(db, event_type, other="text")


async def test_a_type_is_declared_changed_or_left(db: AsyncConnection) -> None:
    assert await set_type(db, "lead", phone="text") == "created"
    assert await set_type(db, "lead", phone="text") == "unchanged"
    assert await set_type(db, "lead", phone="text", source="text?") == "changed"
    assert await value(db, "select sms.set_event_type('lead', 'A lead')") == "changed"
    kept = await row(db, "select title, variables from sms.event_type where event_type = 'lead'")
    assert kept == {"title": "A lead", "variables": {"phone": "text", "source": "text?"}}


async def test_every_change_is_kept_with_its_author(db: AsyncConnection) -> None:
    await remind(db)
    await set_rule(db, "due_reminder", at_local="11:00")
    await value(db, "select sms.remove_event_rule('due_reminder')")

    kept = await changes(db, "event_rule")
    assert [change["action"] for change in kept] == ["insert", "update", "update"]
    assert (kept[1]["old"]["at_local"], kept[1]["new"]["at_local"]) == ("10:00:00", "11:00:00")
    acts = await rows(
        db, "select action, name, done_by from sms.activity where kind = 'event_rule' order by 1"
    )
    assert [act["action"] for act in acts] == ["changed", "created", "removed"]
    assert {act["done_by"] for act in acts} == {await value(db, "select session_user::text")}


async def test_conditions_may_be_as_rich_as_jsonpath(db: AsyncConnection) -> None:
    await set_type(db, "order", total="number", city="text", tags="text?", gift="boolean?")
    for condition in (
        '$.total >= 1000 && ($.city == "Омск" || $.city like_regex "^Ново")',
        "$.gift == true",
        "exists($.tags)",
        '!($.city starts with "М")',
    ):
        await set_rule(db, "r", event_type="order", template="thanks", condition=condition)
        answered = await value(
            db,
            "select jsonb_path_match(%s, condition) from sms.event_rule",
            json.dumps({"total": 1500, "city": "Новосибирск", "tags": "x", "gift": True}),
        )
        assert answered is True
