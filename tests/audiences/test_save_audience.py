"""Saving an audience: what is checked, what is kept, and what running it yields."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection

from tests.audiences.conftest import Save, people, refusal
from tests.conftest import AsRole
from tests.support.factory import column, row, rows, value

ALL = "select client_id, phone, time_zone, city, attributes ->> 'name' as name from erp.client"


async def test_the_columns_become_a_person_and_variables(db: AsyncConnection, save: Save) -> None:
    assert await save(f"{ALL} order by client_id -- everybody\n;\n") == 1

    assert await people(db) == [
        {"client_id": 1, "phone": "8 907 000-00-01", "time_zone": "Europe/Moscow",
         "vars": {"city": "Москва", "name": "Анна"}},
        {"client_id": 2, "phone": "89070000002", "time_zone": None,
         "vars": {"city": "Казань", "name": "Пётр"}},
        {"client_id": 3, "phone": "нет", "time_zone": None,
         "vars": {"city": "Москва", "name": None}},
    ]  # fmt: skip
    assert [one["client_id"] for one in await people(db, limit=2)] == [1, 2]


async def test_client_and_phone_are_enough_and_a_phone_may_be_a_number(
    db: AsyncConnection, save: Save
) -> None:
    await save("select 7::smallint as client_id, 79070000001 as phone")
    assert await people(db) == [
        {"client_id": 7, "phone": "79070000001", "time_zone": None, "vars": {}}
    ]


async def test_it_is_read_anew_every_time(db: AsyncConnection, save: Save) -> None:
    await save("select client_id, phone from erp.client where city = 'Казань'")
    assert len(await people(db)) == 1
    await db.execute("update erp.local_client set city = 'Казань'")
    assert len(await people(db)) == 3


async def test_an_unknown_audience_is_an_error_that_lists_the_known(
    db: AsyncConnection, save: Save
) -> None:
    async with db.transaction(force_rollback=True):
        error = await refusal(people(db, "nobody"))
    assert error.sqlstate == "SM030"
    assert "There are none yet" in (error.diag.message_hint or "")
    await save(ALL, "everybody")
    error = await refusal(people(db, "nobody"))
    assert error.diag.message_hint == "Audiences: everybody."


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("", "SM031", "1 to 100,000 characters"),
        ("select", "SM032", "no column client_id"),
        ("select 1 as client_id", "SM032", "no column phone"),
        ("select client_id, phon from erp.client", "SM031", 'column "phon" does not exist'),
        ("select client_id, phone from erp.clients", "SM031", "does not exist"),
        ("select client_id, phone form erp.client", "SM031", "must be one SELECT"),
        ("select 'x' as client_id, phone from erp.client", "SM032", "client_id is of type text"),
        ("select client_id, now() as phone from erp.client", "SM032", "phone is of type timestamp"),
        (
            "select client_id, phone, 1 as time_zone from erp.client",
            "SM032",
            "time_zone is of type",
        ),
        ("select client_id, phone, phone from erp.client", "SM031", "specified more than once"),
        ("select client_id, '1'::int / 0 as phone from erp.client", "SM031", "22012"),
    ],
)
async def test_what_is_no_audience_is_refused_with_a_sentence(
    save: Save, query: str, code: str, words: str
) -> None:
    error = await refusal(save(query))
    assert error.sqlstate == code
    assert words in (error.diag.message_primary or "")


async def test_variables_are_not_without_end(db: AsyncConnection, save: Save) -> None:
    query = "select client_id, phone, {} from erp.client"
    fifty = ", ".join(f"{n} as c{n}" for n in range(48))
    await save(query.format(fifty))
    assert len((await people(db))[0]["vars"]) == 48
    error = await refusal(save(query.format(f"{fifty}, 1 as more")))
    assert error.sqlstate == "SM032"


async def test_an_audience_that_reads_itself_is_told_so(db: AsyncConnection, save: Save) -> None:
    await save("select client_id, phone from erp.client")
    await save("select client_id, phone from sms.run_audience('a')")

    async with db.transaction(force_rollback=True):
        error = await refusal(people(db))

    assert error.sqlstate == "SM031"
    assert "built on itself" in (error.diag.message_primary or "")


async def test_an_audience_may_build_on_another(db: AsyncConnection, save: Save) -> None:
    await save("select client_id, phone from erp.client where city = 'Москва'", "moscow")
    await save("select client_id, phone from sms.run_audience('moscow') where client_id > 1", "b")
    assert [person["client_id"] for person in await people(db, "b")] == [3]


@pytest.mark.parametrize("name", ["", "Big", "два", "a b", "a" * 81, None])
async def test_a_name_is_checked(save: Save, name: str) -> None:
    error = await refusal(save(ALL, name))
    assert error.sqlstate == "SM035"


async def test_a_select_that_would_cost_too_much_is_refused(
    db: AsyncConnection, save: Save
) -> None:
    await db.execute("update sms.setting set value = '1000' where setting = 'audience_max_cost'")
    error = await refusal(
        save("select c.client_id, c.phone from erp.client as c, generate_series(1, 100000) as n")
    )
    assert error.sqlstate == "SM033"
    assert "more than 1000" in (error.diag.message_primary or "")
    assert await save("select client_id, phone from erp.client") == 1


async def test_every_version_is_kept_with_its_author(dsn: str, as_role: AsRole) -> None:
    analyst = await as_role("sms_analyst")
    save = "select sms.save_audience('a', %s::text, %s::text)"
    assert await value(analyst, save, "select 1 as client_id, '1' as phone", "One") == 1
    assert await value(analyst, save, "select 1 as client_id, '1' as phone", None) == 1  # the same
    assert await value(analyst, save, "select 2 as client_id, '1' as phone", None) == 2
    await analyst.execute("select sms.remove_audience('a')")
    error = await refusal(analyst.execute("select * from sms.run_audience('a')"))
    assert error.sqlstate == "SM030"
    assert await value(analyst, save, "select 2 as client_id, '1' as phone", "Two") == 4

    versions = await rows(analyst, "select * from sms.audience_version order by version_no")
    assert [(v["version_no"], v["title"], v["query"][:8]) for v in versions] == [
        (1, "One", "select 1"), (2, "One", "select 2"), (3, "One", "select 2"),
        (4, "Two", "select 2"),
    ]  # fmt: skip
    assert [v["removed_at"] is not None for v in versions] == [False, False, True, False]
    assert {v["changed_by"] for v in versions} == {"sms_analyst"}
    assert await column(
        analyst, "select action from sms.activity where kind = 'audience' order by activity_id"
    ) == ["created", "changed", "removed", "changed"]
    error = await refusal(analyst.execute("update sms.audience_version set query = 'x'"))
    assert error.sqlstate == "42501"


async def test_a_plain_insert_is_checked_as_well(as_role: AsRole) -> None:
    analyst = await as_role("sms_analyst")
    insert = "insert into sms.audience (audience, query) values ('a', %s::text)"
    error = await refusal(analyst.execute(insert, ["select body from sms.outbox"]))
    assert error.sqlstate == "SM031"
    await analyst.execute(insert, ["select client_id, phone from erp.client"])
    error = await refusal(analyst.execute("update sms.audience set query = 'drop table x'"))
    assert error.sqlstate == "SM031"
    error = await refusal(analyst.execute("update sms.audience set columns = '{}'"))
    assert error.sqlstate == "42501"
    kept = await row(analyst, "select columns, version_no, created_by from sms.audience")
    assert kept == {
        "columns": ["client_id", "phone"], "version_no": 1, "created_by": "sms_analyst",
    }  # fmt: skip


async def test_history_is_kept_even_from_the_owner(conn: AsyncConnection) -> None:
    await conn.execute("select sms.save_audience('a', 'select 1 as client_id, ''1'' as phone')")
    error = await refusal(conn.execute("delete from sms.audience_version"))
    assert error.sqlstate == "SM003"
    error = await refusal(conn.execute("update sms.audience set audience = 'b'"))
    assert error.sqlstate == "SM035"
