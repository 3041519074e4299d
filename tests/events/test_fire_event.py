"""fire_event and fire_events: rules act at once, in the ERP's own transaction."""

from __future__ import annotations

import json
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.events.conftest import effects, fire, furnish, set_rule, set_type
from tests.support.factory import claim, fate, insert, message, number, row, rows, value


async def fire_many(
    conn: AsyncConnection,
    event_type: str,
    clients: list[int],
    variables: list[dict[str, Any]] | None = None,
    keys: list[str | None] | None = None,
) -> list[dict[str, Any]]:
    """Fire several events in one statement."""
    return await rows(
        conn,
        "select f.* from sms.fire_events(%s, %s::bigint[], %s::jsonb[], %s::text[]) as f",
        event_type,
        clients,
        None if variables is None else [json.dumps(one) for one in variables],
        keys,
    )


@pytest.fixture
async def late(db: AsyncConnection) -> AsyncConnection:
    """Who is late hears of it at once."""
    await set_rule(db, "late_notice", event_type="late", template="late")
    return db


async def test_a_rule_makes_a_message_at_once(late: AsyncConnection) -> None:
    fired = await fire(late, "late", 1, {"amount": 1500})

    [id_] = fired["message_ids"]
    seen = await message(late, id_)
    assert (seen["state"], seen["channel"], seen["client_id"]) == ("pending", "single", 1)
    assert seen["msisdn"] == number(1)
    assert (fired["is_new"], fired["planned"], fired["cancelled"], fired["note"]) == (
        True, 0, 0, None,
    )  # fmt: skip
    claimed = await claim(late, as_of=None)
    assert claimed.bodies == ["Просрочен платёж 1500 ₽."]


async def test_what_is_rolled_back_never_happened(conn: AsyncConnection) -> None:
    await furnish(conn)
    await set_rule(conn, "late_notice", event_type="late", template="late")
    async with conn.transaction(force_rollback=True):
        await fire(conn, "late", 1, {"amount": 1}, "invoice-7")
        assert await value(conn, "select count(*) from sms.outbox") == 1

    for table in ("outbox", "pending", "event", "event_key", "event_effect", "event_plan"):
        assert await value(conn, f"select count(*) from sms.{table}") == 0  # noqa: S608
    again = await fire(conn, "late", 1, {"amount": 1}, "invoice-7")
    assert again["is_new"]


async def test_the_erp_may_fire_and_read_what_came_of_it(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    await furnish(conn)
    await set_rule(conn, "late_notice", event_type="late", template="late", shift="2 days")
    erp = await as_role("sms_erp")

    fired = await fire(erp, "late", 1, {"amount": 1})

    assert fired["planned"] == 1
    for view in ("event", "event_type", "event_rule", "event_message", "planned_message"):
        await erp.execute(f"select * from sms.{view}")  # noqa: S608
    await erp.execute("select * from sms.explain_event(%s)", [fired["event_id"]])


@pytest.mark.parametrize(
    "act",
    [
        "select vars from sms.event",
        "select * from sms.event_plan",
        "select sms.fire_event('late', 1, '{}')",
        "select sms.set_event_type('x')",
    ],
)
async def test_analysts_see_no_values_and_fire_nothing(
    conn: AsyncConnection, as_role: AsRole, act: LiteralString
) -> None:
    analyst = await as_role("sms_analyst")
    await analyst.execute("select event_id, client_id from sms.event")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await analyst.execute(act)


async def test_several_rules_act_on_one_event(late: AsyncConnection) -> None:
    await set_rule(late, "late_again", event_type="late", template="late", shift="7 days")
    await set_rule(late, "late_mass", event_type="late", template="late", channel="mass")

    fired = await fire(late, "late", 1, {"amount": 5})

    assert (len(fired["message_ids"]), fired["planned"]) == (2, 1)
    made = {made["rule"]: made["outcome"] for made in await effects(late, fired["event_id"])}
    assert made == {"late_notice": "message", "late_mass": "message"}


@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        ({"amount": 1000}, 0),
        ({"amount": 1001}, 1),
        ({"amount": "1001"}, 0),  # a text is no number
        ({}, 0),
        ({"amount": None}, 0),
    ],
)
async def test_a_condition_decides(
    db: AsyncConnection, variables: dict[str, Any], messages: int
) -> None:
    await set_rule(
        db, "late_notice", event_type="late", template="late", condition="$.amount > 1000"
    )

    fired = await fire(db, "late", 1, variables)

    assert len(fired["message_ids"]) == messages


async def test_a_key_happens_once(late: AsyncConnection) -> None:
    first = await fire(late, "late", 1, {"amount": 5}, "invoice-7")
    second = await fire(late, "late", 1, {"amount": 5}, "invoice-7")

    assert second["event_id"] == first["event_id"]
    assert (second["is_new"], second["message_ids"], second["planned"]) == (False, [], 0)
    assert second["note"].startswith("fired before, at 20")
    assert await value(late, "select count(*) from sms.event") == 1
    assert await value(late, "select count(*) from sms.outbox") == 1


async def test_a_key_belongs_to_its_type_and_client(late: AsyncConnection) -> None:
    await fire(late, "late", 1, {"amount": 5}, "7")

    assert (await fire(late, "late", 2, {"amount": 5}, "7"))["is_new"]
    assert (await fire(late, "payment", 1, {}, "7"))["is_new"]
    assert (await fire(late, "late", 1, {"amount": 5}, "8"))["is_new"]
    assert (await fire(late, "late", 1, {"amount": 5}))["is_new"]


async def test_a_key_twice_in_one_call_happens_once(late: AsyncConnection) -> None:
    fired = await fire_many(late, "late", [1, 1, 1, 2], [{"amount": 5}] * 4, ["7", "7", None, "7"])

    assert [one["is_new"] for one in fired] == [True, False, True, True]
    assert fired[1]["event_id"] == fired[0]["event_id"]
    assert [len(one["message_ids"]) for one in fired] == [1, 0, 1, 1]


async def test_the_same_key_in_two_open_transactions_sends_one_message(
    conn: AsyncConnection, dsn: str
) -> None:
    """Neither waits for the other; the erp_ref that their messages share lets one through."""
    await furnish(conn)
    await set_rule(conn, "late_notice", event_type="late", template="late")
    async with await AsyncConnection.connect(dsn) as one, await AsyncConnection.connect(dsn) as two:
        for session in (one, two):
            await session.execute("set local lock_timeout = '5s'")
            assert (await fire(session, "late", 1, {"amount": 5}, "7"))["is_new"]
        await one.commit()
        await two.commit()

    claimed = await claim(conn, as_of=None)
    await claim(conn, as_of=None)
    fates = await rows(conn, "select state, reason from sms.message order by state")
    assert len(claimed.ids) == 1
    assert [(one["state"], one["reason"]) for one in fates] == [
        ("inflight", None),
        ("suppressed", "duplicate_ref"),
    ]


async def test_an_unknown_type_is_an_error_that_lists_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await fire(db, "lat", 1)

    assert caught.value.sqlstate == "SM050"
    assert caught.value.diag.message_primary == 'unknown event type "lat"'
    assert caught.value.diag.message_hint == "Event types: invoice, late, payment."


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("select sms.fire_event('late', 1, '[1]')", "Write them as"),
        ("select sms.fire_event('late', 1, '7')", "Write them as"),
        ("select sms.fire_events('late', '{1,2}', array['{}'::jsonb])", "Give as many"),
        ("select sms.fire_events('late', '{1,2}', null, '{a}')", "Give as many"),
    ],
)
async def test_a_wrong_call_is_an_error(
    db: AsyncConnection, query: LiteralString, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await db.execute(query)

    assert caught.value.sqlstate == "SM052"
    assert (caught.value.diag.message_hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("phone", "client", "reason", "note"),
    [
        (None, 90, "invalid_number", "rule late_notice: client 90 has no phone in erp.client"),
        ("84951234567", 90, "not_mobile", None),
        (None, 91, "invalid_number", "rule late_notice: client 91 is not in erp.client"),
        (None, None, "invalid_number", "rule late_notice: neither a client nor a phone was given"),
    ],
)
async def test_a_phone_that_is_missing_breaks_nothing(
    late: AsyncConnection, phone: str | None, client: int | None, reason: str, note: str | None
) -> None:
    await late.execute("insert into erp.local_client (client_id, phone) values (90, %s)", [phone])

    fired = await fire(late, "late", client, {"amount": 5})

    [id_] = fired["message_ids"]
    assert await fate(late, id_) == f"suppressed({reason})"
    assert fired["note"] == note


async def test_a_phone_of_the_event_wins_and_needs_no_client(late: AsyncConnection) -> None:
    one = await fire(late, "late", 1, {"amount": 5, "phone": "8 907 000-00-99"})
    two = await fire(late, "late", None, {"amount": 5, "phone": "8 907 000-00-98"})

    assert (await message(late, one["message_ids"][0]))["msisdn"] == number(99)
    assert (await message(late, two["message_ids"][0]))["msisdn"] == number(98)


async def test_the_zone_comes_from_the_event_or_the_erp(late: AsyncConnection) -> None:
    await late.execute("update erp.local_client set time_zone = 'Omsk' where client_id = 3")
    for client, given in ((1, None), (2, "Asia/Tokyo"), (3, None), (2, "nowhere")):
        extra = {"time_zone": given} if given else {}
        await fire(late, "late", client, {"amount": 5, **extra})

    zones = await rows(late, "select client_id, time_zone from sms.outbox order by id")
    assert [zone["time_zone"] for zone in zones] == [
        "Asia/Omsk", "Asia/Tokyo", None, "Europe/Moscow",
    ]  # fmt: skip


async def test_a_zone_that_is_none_is_told_and_not_used(late: AsyncConnection) -> None:
    event = await fire(late, "late", 2, {"amount": 5, "time_zone": "nowhere"})

    assert "time_zone is no IANA zone" in event["note"]
    assert (await fire(late, "late", 2, {"amount": 5, "time_zone": None}))["note"] is None


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"n": 1, "d": "2030-01-31", "m": "2030-01-31T10:00+03:00", "b": True}, None),
        ({"n": "1,5", "d": "2030-01-31", "m": "2030-01-31 10:00", "b": "false", "t": ""}, None),
        ({"n": 1, "d": "2030-01-31", "m": "2030-01-31"}, "b is missing"),
        ({"n": "many", "d": "31.01.2030", "m": "soon", "b": "yes"},
         "b is no boolean; d is no date; m is no moment; n is no number"),
        ({"n": 1, "d": "2030-02-30", "m": "2030-01-31T25:00", "b": True},
         "d is no date; m is no moment"),
    ],
)  # fmt: skip
async def test_declared_variables_are_checked_and_the_event_is_kept(
    db: AsyncConnection, variables: dict[str, Any], problem: str | None
) -> None:
    await set_type(db, "odd", n="number", d="date", m="moment", b="boolean", t="text?")

    fired = await fire(db, "odd", 1, variables)

    assert fired["note"] == problem
    assert await value(db, "select problem from sms.event") == problem


async def test_a_missing_variable_suppresses_the_message_and_nothing_else(
    late: AsyncConnection,
) -> None:
    fired = await fire_many(late, "late", [1, 2], [{}, {"amount": 5}])

    assert [await fate(late, one["message_ids"][0]) for one in fired] == [
        "suppressed(missing_variable)",
        "pending",
    ]
    assert [one["note"] for one in fired] == ["amount is missing", None]


async def test_ten_thousand_events_in_one_statement(late: AsyncConnection) -> None:
    await late.execute(
        """
        insert into erp.local_client (client_id, phone)
        select 1000 + n, (%s + n)::text from generate_series(1, 10000) as n
        """,
        [number(1000)],
    )

    summary = await row(
        late,
        """
        select count(*) as events, count(*) filter (where is_new) as new,
               sum(cardinality(message_ids)) as messages
          from sms.fire_events('late',
                   array(select 1000 + n::bigint from generate_series(1, 10000) as n),
                   array(select jsonb_build_object('amount', n)
                           from generate_series(1, 10000) as n),
                   array(select 'key-' || n from generate_series(1, 10000) as n))
        """,
    )

    assert summary == {"events": 10000, "new": 10000, "messages": 10000}
    assert await value(late, "select count(*) from sms.pending") == 10000
    assert await value(
        late,
        """
        select count(*) from sms.event_message as m
          join sms.outbox as o on o.id = m.message_id
         where o.phone = (%s + m.client_id)::text
           and o.vars ->> 'amount' = (m.client_id - 1000)::text
        """,
        number(0),
    ) == 10000  # fmt: skip


async def test_one_call_for_each_row_of_a_select(late: AsyncConnection) -> None:
    await late.execute(
        """
        select sms.fire_event('late', c.client_id, jsonb_build_object('amount', c.client_id))
          from erp.client as c
        """
    )

    assert await value(late, "select count(*) from sms.pending") == 9


async def test_an_empty_call_does_nothing(late: AsyncConnection) -> None:
    assert await fire_many(late, "late", []) == []
    assert await fire_many(late, "late", [], [], []) == []


async def test_a_query_that_finds_nobody_fires_nothing(late: AsyncConnection) -> None:
    """array_agg over no rows is null."""
    query = """
        select count(f.*)
          from (select array_agg(c.client_id) as clients, array_agg('{"amount": 1}'::jsonb) as vars,
                       array_agg('x-' || c.client_id) as keys
                  from erp.client as c
                 where c.client_id < 0) as list
         cross join lateral sms.fire_events('late', list.clients, list.vars, list.keys) as f
    """

    assert await value(late, query) == 0
    with pytest.raises(psycopg.Error) as caught:
        await value(late, "select sms.fire_events('late', null, array['{}'::jsonb])")
    assert caught.value.sqlstate == "SM052"


async def test_the_erps_view_may_be_replaced_at_any_time(conn: AsyncConnection) -> None:
    """By a table with other types, while a session has its plans."""
    await furnish(conn)
    await set_rule(conn, "late_notice", event_type="late", template="late")
    await fire(conn, "late", 1, {"amount": 5})
    await conn.execute("create table erp.people (nr int, mobile bigint, tz varchar(40))")
    await conn.execute("insert into erp.people values (77, 79070000077, 'Asia/Tokyo')")
    await conn.execute("drop view erp.client")
    await conn.execute(
        """
        create view erp.client as
        select nr as client_id, mobile as phone, null::text as city, tz as time_zone,
               '{}'::jsonb as attributes
          from erp.people
        """
    )

    fired = await fire(conn, "late", 77, {"amount": 6})

    assert (await message(conn, fired["message_ids"][0]))["msisdn"] == 79_070_000_077


async def test_a_message_keeps_the_rules_of_its_channel(late: AsyncConnection) -> None:
    """What an event makes is a row of the outbox like any other: caps, blacklist, quiet hours."""
    await insert(late, "blacklist", msisdn=number(1), reason="asked")

    fired = await fire(late, "late", 1, {"amount": 5})
    await claim(late, as_of=None)

    assert await fate(late, fired["message_ids"][0]) == "suppressed(blacklist)"
