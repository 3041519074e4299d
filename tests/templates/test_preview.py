"""What a text costs and why: previews, and spellings that take fewer segments."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from outbox import text
from tests.support.factory import Row, insert, make_provider, rows, value


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end: `post` serves every lane at 2.50, 4.00 at mts."""
    provider_id = await make_provider(tx)
    await insert(tx, "tariff", provider_id=provider_id, price=2.5)
    mts = await value(tx, "select operator_id from sms.operator where operator = 'mts'")
    await insert(tx, "tariff", provider_id=provider_id, operator_id=mts, price=4)
    return tx


def by_topic(found: list[Row]) -> dict[str, list[Row]]:
    topics: dict[str, list[Row]] = {}
    for finding in found:
        topics.setdefault(finding.pop("topic"), []).append(finding)
    return topics


async def preview(db: AsyncConnection, body: str) -> dict[str, list[Row]]:
    return by_topic(await rows(db, "select * from sms.preview_text(%s)", body))


async def cheaper(db: AsyncConnection, body: str) -> list[tuple[str, str, int]]:
    found = await rows(db, "select * from sms.cheaper_spellings(%s)", body)
    for one in found:
        assert one["segments"] == text.segments(one["body"]) < text.segments(body)
        assert one["changes"]
    return [(one["how"], one["body"], one["segments"]) for one in found]


async def test_a_latin_text_is_told_its_price_by_operator(db: AsyncConnection) -> None:
    found = await preview(db, "Pay 10€ [now]")
    assert found["text"][0]["segments"] == 1
    assert (found["encoding"][0]["key"], found["encoding"][0]["units"]) == ("gsm7", 16)
    assert [(f["key"], f["units"]) for f in found["double"]] == [("[", 1), ("]", 1), ("€", 1)]
    assert found["room"][0]["units"] == 144
    prices = {f["key"]: (f["text"], float(f["cost"])) for f in found["price"]}
    assert prices["mts"] == ("post", 4.0)
    assert prices["beeline"] == ("post", 2.5)
    assert not {"over", "forces_ucs2", "cheaper"} & set(found)


async def test_the_characters_that_force_ucs2_are_named(db: AsyncConnection) -> None:
    found = await preview(db, "Hello — «you» and «me» 👍")
    assert found["encoding"][0]["key"] == "ucs2"
    assert {f["key"]: (f["text"], f["units"]) for f in found["forces_ucs2"]} == {
        "«": ("left guillemet", 2),
        "»": ("right guillemet", 2),
        "—": ("em dash", 1),
        "👍": ("U+1F44D", 1),
    }
    found = await preview(db, "Ваш kод — 1")
    assert {f["key"]: f["text"] for f in found["forces_ucs2"]} == {
        "Cyrillic": "kод Ваш", "—": "em dash",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "over", "room"),
    [
        ("a" * 161, "a", 145),
        ("я" * 71, "я", 63),
        ("я" * 134, "я" * 64, 0),
        ("я" * 135, "я", 66),
        ("a" * 159 + "€", "€", 145),
        ("🎉" * 36, "🎉", 61),
        ("a", None, 159),
        ("я" * 70, None, 0),
    ],
)
async def test_what_reaches_into_the_last_segment_is_shown(
    db: AsyncConnection, body: str, over: str | None, room: int
) -> None:
    found = await preview(db, body)
    assert [f["text"] for f in found.get("over", [])] == ([over] if over else [])
    segments = text.segments(body)
    if over:
        assert text.segments(body[: -len(over)]) == segments - 1 == found["over"][0]["segments"]
        assert text.segments(body[: -len(over) + 1] if len(over) > 1 else body) == segments
    assert found["room"][0]["units"] == room
    assert text.segments(body + "a" * room) == segments < text.segments(body + "a" * (room + 1))


async def test_typography_gives_way_first(db: AsyncConnection) -> None:
    body = "«Alfa» — 5% more… " + "a" * 60
    assert await cheaper(db, body) == [
        ("typographic", '"Alfa" - 5% more... ' + "a" * 60, 1),
    ]
    found = await preview(db, body)
    assert [(f["key"], f["units"], f["segments"]) for f in found["cheaper"]] == [
        ("typographic", 1, 1)
    ]
    assert "em dash → -" in found["changes"][0]["text"]


async def test_a_cyrillic_letter_in_a_latin_word_is_found(db: AsyncConnection) -> None:
    body = "Your соde is 1234. " + "Keep it to yourself. " * 3
    assert await cheaper(db, body) == [
        ("space + lookalike", "Your code is 1234. " + "Keep it to yourself. " * 2
         + "Keep it to yourself.", 1),
    ]  # fmt: skip
    [changes] = await rows(db, "select changes from sms.cheaper_spellings(%s)", body)
    assert "'соde' has Cyrillic letters that look Latin" in changes["changes"]


async def test_words_that_are_really_cyrillic_are_left_alone(db: AsyncConnection) -> None:
    # «сом» could be read as Latin, but stands in a Cyrillic text.
    assert [how for how, _, _ in await cheaper(db, "Этот сом в реке " + "я" * 60)] == [
        "transliteration"
    ]
    assert await cheaper(db, "кодX " + "я" * 60) == []


async def test_spaces_that_nobody_sees_are_dropped(db: AsyncConnection) -> None:
    assert (await cheaper(db, "  " + "я" * 35 + "\u00a0\u00a0 " + "я" * 34 + " "))[0] == (
        "space", "я" * 35 + " " + "я" * 34, 1,
    )  # fmt: skip


async def test_a_cyrillic_text_is_shortened_before_it_is_transliterated(
    db: AsyncConnection,
) -> None:
    found = await cheaper(db, "я" * 68 + "...")
    assert found[0] == ("shorter", "я" * 68 + "…", 1)
    found = await cheaper(db, "Щука и ёж — ЖУК, " + "съешь ещё этих булок, " * 3)
    assert len(found) == 1
    how, body, segments = found[0]
    assert "transliteration" in how
    assert body.startswith("Schuka i ezh - ZHUK, sesh esche etikh bulok,")
    assert segments == 1


@pytest.mark.parametrize("body", ["ё" * 71, "«" + "я" * 70 + "»"])
async def test_what_costs_the_same_is_not_proposed(db: AsyncConnection, body: str) -> None:
    """ё costs what е does, and in a Cyrillic text « costs what a straight quote does."""
    assert {how for how, _, _ in await cheaper(db, body)} <= {
        "transliteration",
        "typographic + transliteration",
    }


async def test_symbols_and_pictures_come_after_typography(db: AsyncConnection) -> None:
    found = await cheaper(db, "Sale №5 — 20 ₽ 🎉 " + "a" * 120)
    assert [(how, segments) for how, _, segments in found] == [
        ("typographic + symbol + pictures", 1)
    ]
    assert found[0][1] == "Sale No5 - 20 RUB " + "a" * 120


@pytest.mark.parametrize(
    "body", ["", "a", "a" * 160, "я" * 70, "Hello", "€" * 80, "漢字" * 40, "\n", " "]
)
async def test_where_nothing_can_be_saved_nothing_is_proposed(
    db: AsyncConnection, body: str
) -> None:
    assert await cheaper(db, body) == []


async def template(db: AsyncConnection, body: str, variables: Any = None) -> None:
    await db.execute(
        "select sms.save_template('t', %s, %s)",
        [body, None if variables is None else json.dumps(variables)],
    )


async def preview_template(
    db: AsyncConnection, vars_: Any = None, name: str = "t"
) -> dict[str, list[Row]]:
    values = None if vars_ is None else json.dumps(vars_)
    return by_topic(await rows(db, "select * from sms.preview_template(%s, %s)", name, values))


async def test_a_template_is_shown_with_its_samples(db: AsyncConnection) -> None:
    declared = {
        "name": {"sample": "Анна", "required": True},
        "day": {"default": "Friday"},
        "sum": {},
        "old": {"default": ""},
    }
    await template(db, "{{name}}, {{sum}} by {{day}}", declared)
    found = await preview_template(db)
    assert found["text"][0]["text"] == "Анна, sum by Friday"
    assert {f["key"]: f["text"] for f in found["variable"]} == {
        "name": "Анна", "sum": "sum", "day": "Friday", "old": "(not in the text)",
    }  # fmt: skip
    found = await preview_template(db, {"sum": 1500, "day": "Monday"})
    assert found["text"][0]["text"] == "Анна, 1500 by Monday"


async def test_a_preview_tells_why_a_message_would_be_suppressed(db: AsyncConnection) -> None:
    await template(db, "{{a}}{{b|}}")
    for values, problem in (
        ({"b": "x"}, "missing_variable"),
        ({"a": None}, "missing_variable"),
        ({"a": ""}, "empty_text"),
        ({"a": "x" * 1001}, "text_too_long"),
    ):
        found = await preview_template(db, values)
        assert [f["key"] for f in found["problem"]] == [problem]


async def test_an_older_version_can_be_previewed(db: AsyncConnection) -> None:
    await template(db, "one")
    await template(db, "two")
    assert (await preview_template(db, name="t@1"))["text"][0]["text"] == "one"
    assert (await preview_template(db))["text"][0]["text"] == "two"


@pytest.mark.parametrize(("arguments", "code"), [(("x",), "SM002"), ((None,), "SM002"),
                         (("t@2",), "SM002"), (("t", None, "nowhere"), "SM001")])  # fmt: skip
async def test_wrong_names_are_errors(
    db: AsyncConnection, arguments: tuple[object, ...], code: str
) -> None:
    await template(db, "one")
    places = ", ".join(["%s"] * len(arguments))
    with pytest.raises(psycopg.Error) as caught:
        await db.execute(f"select sms.preview_template({places})".encode(), arguments)
    assert caught.value.sqlstate == code


async def test_what_the_preview_counts_is_what_is_sent(db: AsyncConnection) -> None:
    """The Python that cuts texts and the SQL that previews them agree."""
    for body in ("a", "я" * 71, "€" * 81, "🎉" * 36, "a" * 152 + "€" + "a" * 7, "x\f^{}" * 40):
        found = await preview(db, body)
        encoded = text.encode(body)
        assert found["text"][0]["segments"] == encoded.segments
        assert found["encoding"][0]["key"] == encoded.encoding
        assert found["encoding"][0]["units"] == encoded.units
