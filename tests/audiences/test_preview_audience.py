"""sms.preview_audience: what an audience looks like before anything is sent to it."""

from __future__ import annotations

import json

import pytest
from psycopg import AsyncConnection

from tests.audiences.conftest import Save, refusal
from tests.conftest import AsRole
from tests.support.factory import Row, add_range, add_template, row, rows

ALL = "select client_id, phone, time_zone, city, attributes ->> 'name' as name from erp.client"


async def preview(db: AsyncConnection, *arguments: object) -> dict[str, list[Row]]:
    """The findings by topic."""
    found: dict[str, list[Row]] = {}
    places = ", ".join(["%s"] * len(arguments))
    query = f"select * from sms.preview_audience({places})"  # noqa: S608
    for finding in await rows(db, query, *arguments):
        found.setdefault(finding.pop("topic"), []).append(finding)
    return found


async def test_it_counts_people_phones_zones_and_the_map(db: AsyncConnection, save: Save) -> None:
    await save(f"{ALL} union all {ALL} where client_id = 1 order by client_id")
    await add_range(db, 79070000001, zone="Asia/Omsk", operator="mts")
    await add_range(db, 79070000002, zone="Asia/Omsk", operator="t2")
    await db.execute(
        """
        insert into geo.client_location (client_id, location)
        values (1, 'SRID=4326;POINT(37.6 55.7)'), (3, 'SRID=4326;POINT(37.5 55.8)')
        """
    )

    found = await preview(db, "a", 2)

    assert found["total"] == [
        {"key": None, "people": 4, "segments": 3, "detail": {"numbers": 2, "clients": 3}}
    ]
    assert [(f["key"], f["people"]) for f in found["unusable"]] == [("invalid_number", 1)]
    assert found["extent"] == [
        {"key": None, "people": 2, "segments": None,
         "detail": {"south": 55.7, "west": 37.5, "north": 55.8, "east": 37.6}}
    ]  # fmt: skip
    # The row's zone wins over the number's.
    assert [(f["detail"], f["people"], f["segments"]) for f in found["segments"]] == [
        ({"operator": "mts", "zone": "Europe/Moscow"}, 2, 2),
        ({"operator": "t2", "zone": "Asia/Omsk"}, 1, 1),
    ]
    assert [f["detail"]["client_id"] for f in found["sample"]] == ["1", "1"]


async def test_segments_are_those_of_the_template_for_each_person(
    db: AsyncConnection, save: Save
) -> None:
    await save(f"{ALL} where client_id < 3")
    await add_template(db, "hello", "{{name}}: " + "я" * 64, "x")
    found = await preview(db, "a", 9, "hello@1")
    # «Анна: » makes it 70 characters, «Пётр: » too.
    assert [f["segments"] for f in found["total"]] == [2]
    await db.execute(
        'update erp.local_client set attributes = \'{"name": "Александр"}\' where client_id = 1'
    )
    found = await preview(db, "a", 9, "hello@1")
    assert [f["segments"] for f in found["total"]] == [3]
    assert {f["key"]: f["segments"] for f in found["sample"]} == {"1": 2, "2": 1}
    assert [f["segments"] for f in (await preview(db, "a", 9, "hello"))["total"]] == [2]


async def test_who_lacks_a_variable_is_counted_as_unusable(db: AsyncConnection, save: Save) -> None:
    await db.execute("update erp.local_client set phone = '89070000003' where client_id = 3")
    await save(ALL)
    await add_template(db, "hello", "Hi {{name}}")
    found = await preview(db, "a", 9, "hello")
    assert [(f["key"], f["people"]) for f in found["unusable"]] == [("missing_variable", 1)]
    unusable = {f["key"]: f["detail"]["unusable"] for f in found["sample"]}
    assert unusable == {"1": None, "2": None, "3": "missing_variable"}


async def test_phones_are_masked_unless_somebody_may_see_them(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    await conn.execute("insert into erp.local_client (client_id, phone) values (1, '89070000001')")
    await conn.execute("select sms.save_audience('a', 'select client_id, phone from erp.client')")
    ask = """
        select detail ->> 'phone' as phone
          from sms.preview_audience('a', 1{})
         where topic = 'sample'
    """
    shown = ", p_show_phones => true"

    analyst, operator = await as_role("sms_analyst"), await as_role("sms_operator")

    for who in (analyst, operator):
        assert await row(who, ask.format("")) == {"phone": "7907***0001"}
    assert await row(operator, ask.format(shown)) == {"phone": "89070000001"}
    error = await refusal(analyst.execute(ask.format(shown).encode()))
    assert error.sqlstate == "42501"


async def test_nothing_is_written_and_nobody_is_found(db: AsyncConnection, save: Save) -> None:
    await save("select client_id, phone from erp.client where false")
    found = await preview(db, "a")
    assert list(found) == ["total"]
    assert found["total"][0]["people"] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("b",), "SM030"), (("a", 1, "nothing"), "SM002"), (("a", 1, None, "nowhere"), "SM001"),
     ((None,), "SM030")],
)  # fmt: skip
async def test_wrong_names_are_errors(
    db: AsyncConnection, save: Save, arguments: tuple[object, ...], code: str
) -> None:
    await save(ALL)
    error = await refusal(preview(db, *arguments))
    assert error.sqlstate == code


async def test_a_sample_is_json_a_program_can_read(db: AsyncConnection, save: Save) -> None:
    await save(f"{ALL} where client_id = 2")
    [sample] = (await preview(db, "a", 1))["sample"]
    assert json.loads(json.dumps(sample["detail"])) == {
        "client_id": "2", "phone": "7907***0002", "time_zone": None, "unusable": None,
        "vars": {"city": "Казань", "name": "Пётр"},
    }  # fmt: skip
