"""dry_run: what a launch would do, told beforehand by the same rules, without a trace."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.clock import DAY, HOUR, MINUTE, NOON, WEDNESDAY, moscow
from tests.support.factory import (
    PROVIDER,
    Row,
    add_range,
    add_template,
    change_channel,
    claim,
    insert,
    insert_many,
    make_provider,
    mark,
    number,
    rows,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)

SELECT: LiteralString = """
    select phone, client_id, body, template, vars, time_zone, priority, not_before, expires_at,
           erp_ref, sender_id
      from audience
     order by id
"""
CAMPAIGN = 4711


async def preview(
    db: AsyncConnection,
    *,
    p_select: str | None = SELECT,
    channel: str = "planned",
    body: str | None = "Hello",
    campaign_id: int | None = None,
    as_of: datetime = NOON,
) -> list[Row]:
    """The dry run of the table `audience`, or of what `p_select` says."""
    return await rows(
        db,
        """
        select * from sms.dry_run(p_select => %s, p_channel => %s, p_body => %s,
                                  p_campaign_id => %s, p_as_of => %s)
        """,
        p_select, channel, body, campaign_id, as_of,
    )  # fmt: skip


async def audience(db: AsyncConnection, *people: dict[str, Any]) -> None:
    """Make the table `audience` of these requests, which audiences may read."""
    full = [{"id": n, "phone": str(number(n)), **one} for n, one in enumerate(people)]
    await db.execute("drop table if exists public.audience")
    await db.execute(
        """
        create table public.audience as
        select * from jsonb_populate_recordset(null::sms.outbox, %s)
        """,
        [json.dumps(full, default=datetime.isoformat)],
    )
    await db.execute("grant select on public.audience to sms_audience")


def counted(found: Sequence[Row], topic: str) -> dict[Any, int]:
    """Messages of a topic by key."""
    return {line["key"]: line["messages"] for line in found if line["topic"] == topic}


def one(found: Sequence[Row], topic: str) -> Row:
    """The only row of a topic."""
    (line,) = [line for line in found if line["topic"] == topic]
    return line


@pytest.fixture
async def quiet(db: AsyncConnection) -> AsyncConnection:
    """No cap, no silence: every test adds what it is about."""
    await set_caps(db)
    await set_quiet_hours(db)
    return db


# --- what it tells ------------------------------------------------------------------------------


async def test_it_counts_what_goes_and_what_does_not_and_why(quiet: AsyncConnection) -> None:
    await insert(quiet, "blacklist", msisdn=number(1), reason="stop")
    await audience(quiet, {}, {}, {"phone": "12345"}, {"body": ""}, {})

    found = await preview(quiet)

    assert one(found, "total")["messages"] == 5
    assert one(found, "kept")["messages"] == 3 - 1
    assert counted(found, "suppressed") == {"invalid_number": 1, "blacklist": 1, "empty_text": 1}


async def test_deferred_messages_are_counted_by_the_hour_they_wait_for(
    quiet: AsyncConnection,
) -> None:
    await set_quiet_hours(quiet, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await change_channel(quiet, "planned", opening_spread=timedelta(0))
    await quiet.execute("set local timezone = 'Europe/Moscow'")
    zones = ["Europe/Moscow", "Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"]
    await audience(quiet, *({"time_zone": zone} for zone in zones))

    found = await preview(quiet, as_of=moscow(WEDNESDAY, 21, 30))

    tomorrow = WEDNESDAY + DAY
    assert [(line["at"], line["messages"]) for line in found if line["topic"] == "deferred"] == [
        (moscow(tomorrow, 0), 1),
        (moscow(tomorrow, 9), 2),
    ]
    assert f"{tomorrow:%Y-%m-%d} 09:00" in counted(found, "deferred")
    assert one(found, "kept")["messages"] == 4


async def test_a_deferred_message_is_judged_again_as_of_its_moment(quiet: AsyncConnection) -> None:
    night = moscow(WEDNESDAY, 22)
    await set_quiet_hours(quiet, {"quiet_from": "21:00", "quiet_until": "09:00"})
    for n, (begins, ends) in enumerate([(-HOUR, 2 * HOUR), (2 * HOUR, 24 * HOUR)]):
        await insert(
            quiet, "blacklist", msisdn=number(n), reason="a pause",
            created_at=night + begins, expires_at=night + ends,
        )  # fmt: skip
    await audience(quiet, *[{"time_zone": "Europe/Moscow"}] * 3)

    found = await preview(quiet, as_of=night)

    # The pause of number 0 holds now, that of number 1 in the morning.
    assert counted(found, "suppressed") == {"blacklist": 2}
    assert sum(counted(found, "deferred").values()) == 1


async def test_it_tells_segments_by_encoding_and_cost_by_provider(quiet: AsyncConnection) -> None:
    await make_provider(quiet, "dear", point_lanes=False)
    await quiet.execute("select sms.switch_channel('planned', 'dear', 'mts')")
    await add_range(quiet, number(0), operator="mts")
    for provider, price in ((PROVIDER, "1.5"), ("dear", "4")):
        await quiet.execute(
            "insert into sms.tariff (provider_id, price)"
            " select provider_id, %s from sms.provider where provider = %s",
            [price, provider],
        )
    await audience(quiet, {}, {"body": "x" * 161}, {"body": "ы" * 71}, {"phone": "1"})

    found = await preview(quiet)

    assert counted(found, "encoding") == {"gsm7": 2, "ucs2": 1}
    money = {line["key"]: (line["segments"], line["cost"]) for line in found}
    assert money["dear"] == (1, Decimal(4))
    assert money[PROVIDER] == (4, Decimal(6))
    assert (one(found, "kept")["segments"], one(found, "kept")["cost"]) == (5, Decimal(10))


async def test_the_price_is_that_of_the_moment_it_goes(quiet: AsyncConnection) -> None:
    for price, valid_from, valid_until in (
        (1, "-infinity", NOON + HOUR),
        (10, NOON + HOUR, "infinity"),
    ):
        await quiet.execute(
            "insert into sms.tariff (provider_id, price, valid_from, valid_until)"
            " select provider_id, %s, %s, %s from sms.provider",
            [price, valid_from, valid_until],
        )
    await audience(quiet, {}, {"not_before": NOON + HOUR}, {"not_before": NOON + 59 * MINUTE})

    assert one(await preview(quiet), "kept")["cost"] == Decimal(12)


async def test_the_end_follows_from_the_providers_speed(quiet: AsyncConnection) -> None:
    await quiet.execute("update sms.provider set tps = 2")
    await audience(quiet, *[{}] * 10)

    assert one(await preview(quiet), "ends")["at"] == NOON + timedelta(seconds=5)


async def test_the_end_comes_after_the_last_that_waits(quiet: AsyncConnection) -> None:
    await quiet.execute("update sms.provider set tps = 2")
    later = NOON + timedelta(seconds=3)
    await audience(quiet, *[{}] * 10, *[{"not_before": later}] * 4, {"not_before": NOON + HOUR})

    # 10 and 4 segments run into each other: 7 seconds; the last one is alone.
    assert one(await preview(quiet), "ends")["at"] == NOON + HOUR + timedelta(seconds=0.5)
    await quiet.execute("delete from audience where not_before = %s", [NOON + HOUR])
    assert one(await preview(quiet), "ends")["at"] == NOON + timedelta(seconds=7)


@pytest.mark.parametrize(
    "unserved",
    [
        "update sms.lane set provider_id = null",
        "update sms.provider set is_enabled = false",
    ],
)
async def test_what_nobody_serves_has_no_end(
    quiet: AsyncConnection, unserved: LiteralString
) -> None:
    await audience(quiet, {})
    await quiet.execute(unserved)

    assert one(await preview(quiet), "ends")["at"] is None


async def test_a_template_is_filled_in_and_its_gaps_are_found(quiet: AsyncConnection) -> None:
    await add_template(quiet, "due", "Pay {{sum}}")
    await audience(
        quiet, {"template": "due", "vars": {"sum": "ы" * 80}}, {"template": "due", "vars": {}}
    )

    found = await preview(quiet, body=None)

    assert counted(found, "suppressed") == {"missing_variable": 1}
    assert one(found, "kept")["segments"] == 2


async def test_an_empty_audience_is_no_error(quiet: AsyncConnection) -> None:
    await audience(quiet)

    found = await preview(quiet)

    assert [(line["topic"], line["messages"]) for line in found] == [("total", 0), ("kept", 0)]


async def test_only_what_waits_of_a_campaign_is_counted(quiet: AsyncConnection) -> None:
    ids = await insert_many(
        quiet,
        [{"phone": str(number(n)), "campaign_id": CAMPAIGN + n // 3} for n in range(6)],
    )
    await quiet.execute("select sms.cancel(%s)", [ids[0]])

    found = await rows(quiet, "select * from sms.dry_run(%s, %s)", CAMPAIGN, NOON)

    assert one(found, "total")["messages"] == one(found, "kept")["messages"] == 2


async def test_the_campaign_decides_who_is_held_out(quiet: AsyncConnection) -> None:
    await insert(quiet, "campaign", campaign_id=CAMPAIGN, campaign="spring", holdout_percent=50)
    await audience(quiet, *[{}] * 40)

    assert counted(await preview(quiet), "suppressed") == {}
    held = counted(await preview(quiet, campaign_id=CAMPAIGN), "suppressed")
    assert 5 < held["holdout"] < 35


# --- people who are there several times ---------------------------------------------------------


async def test_the_first_of_a_number_use_up_its_cap(quiet: AsyncConnection) -> None:
    await set_caps(quiet, {"period": "day", "max_messages": 2})
    await audience(quiet, *({"phone": str(number(1)), "body": str(n)} for n in range(5)))

    found = await preview(quiet)

    assert (one(found, "kept")["messages"], counted(found, "suppressed")) == (2, {"cap": 3})


async def test_the_same_text_goes_once(quiet: AsyncConnection) -> None:
    await audience(quiet, *[{"phone": str(number(1))}] * 3)

    assert counted(await preview(quiet), "suppressed") == {"duplicate": 2}


async def test_caps_of_a_client_count_over_all_its_numbers(quiet: AsyncConnection) -> None:
    await set_caps(quiet, {"period": "day", "max_messages": 1, "per": "client"})
    await audience(quiet, {"client_id": 1}, {"client_id": 1}, {"client_id": 2}, {}, {})

    assert counted(await preview(quiet), "suppressed") == {"cap": 1}


async def test_a_number_deferred_to_tomorrow_counts_there(quiet: AsyncConnection) -> None:
    await set_caps(quiet, {"period": "day", "max_messages": 1})
    await set_quiet_hours(quiet, {"quiet_from": "21:00", "quiet_until": "09:00"})
    tomorrow = moscow(WEDNESDAY + DAY, 12)
    same = {"phone": str(number(1)), "time_zone": "Europe/Moscow"}
    await audience(
        quiet, {**same, "body": "a", "not_before": moscow(WEDNESDAY, 21)},
        {**same, "body": "b", "not_before": tomorrow},
        {**same, "body": "c", "not_before": tomorrow + DAY},
    )  # fmt: skip

    found = await preview(quiet)

    # a waits for the morning, so that b is one too many tomorrow.
    assert (one(found, "kept")["messages"], counted(found, "suppressed")) == (2, {"cap": 1})
    assert sum(counted(found, "deferred").values()) == 1


async def test_one_reference_goes_once(quiet: AsyncConnection) -> None:
    await insert_many(quiet, [{"phone": str(number(50)), "erp_ref": "old"}])
    await claim(quiet)
    await audience(quiet, {"erp_ref": "old"}, {"erp_ref": "new"}, {"erp_ref": "new"}, {})

    assert counted(await preview(quiet), "suppressed") == {"duplicate_ref": 2}


async def test_thousands_of_moments_are_judged_by_the_minute(quiet: AsyncConnection) -> None:
    await set_quiet_hours(quiet, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await change_channel(quiet, "planned", opening_spread=timedelta(0))
    start = moscow(WEDNESDAY, 20, 30)
    await audience(
        quiet,
        *(
            {"time_zone": "Europe/Moscow", "not_before": start + timedelta(seconds=n)}
            for n in range(3600)
        ),
    )

    found = await preview(quiet, as_of=start)

    assert one(found, "kept")["messages"] == 3600
    assert list(counted(found, "deferred").values()) == [1800]


# --- what it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"p_select": "hello"}, "SM020", "must be one SELECT: syntax error"),
        ({"p_select": ""}, "SM020", "must be one SELECT"),
        ({"p_select": None}, "SM020", "must be one SELECT"),
        ({"p_select": "select '1' as phone; select 2"}, "SM020", "must be one SELECT"),
        ({"p_select": "select '1' as phone) select 2 --"}, "SM020", "must be one SELECT"),
        ({"p_select": "explain select 1"}, "SM020", "must be one SELECT"),
        ({"p_select": "drop table audience"}, "SM020", "must be one SELECT"),
        ({"p_select": "delete from audience returning phone"}, "SM020", "must be one SELECT"),
        (
            {"p_select": "with d as (delete from audience returning phone) select phone from d"},
            "SM020",
            "must be one SELECT",
        ),
        ({"p_select": "select phone from audience for update"}, "SM020", "must be one SELECT"),
        ({"p_select": "select phone as mobile from audience"}, "SM021", "no column phone"),
        ({"p_select": "select body from audience"}, "SM021", "no column phone"),
        (
            {"p_select": "select n::text as phone from generate_series(1, 250001) as n"},
            "SM022",
            "more than 250,000 rows",
        ),
        ({"p_select": "select '1' as phone, 7 as priority"}, "SM023", "row 1 .*: priority"),
        ({"p_select": "select '1' as phone, '' as erp_ref"}, "SM023", "row 1 .*: erp_ref"),
        ({"channel": "smoke"}, "SM001", 'unknown channel "smoke"'),
        ({"p_select": "select '1' as phone, 'no' as template"}, "SM002", 'unknown template "no"'),
        (
            {"p_select": "select nothing as phone from audience"},
            "SM020",
            'cannot be run: column "nothing" does not exist',
        ),
        ({"p_select": "select phone from nowhere"}, "SM020", 'cannot be run: relation "nowhere"'),
        (
            {"p_select": "select sms.next_id()::text as phone from audience"},
            "SM020",
            "may not call next_id",
        ),
    ],
    ids=lambda given: str(given)[:60],
)
async def test_what_is_no_audience_is_refused_in_one_sentence(
    quiet: AsyncConnection, arguments: dict[str, Any], code: str, words: str
) -> None:
    await audience(quiet, {})

    with pytest.raises(psycopg.Error, match=words) as refused:
        await preview(quiet, **arguments)

    assert refused.value.sqlstate == code


async def test_a_campaign_that_does_not_exist_is_refused(db: AsyncConnection) -> None:
    """Zero messages would read as an audience that is empty."""
    with pytest.raises(psycopg.Error, match='unknown campaign "424242"') as refused:
        await db.execute("select * from sms.dry_run(424242)")

    assert refused.value.sqlstate == "SM040"


@pytest.mark.parametrize(
    "select",
    [
        "select phone from audience;",
        "select phone from audience -- the end",
        "with a as (select phone from audience) select a.phone from a",
        "table audience",
        "(select phone from audience) union all (select phone from audience where false) ; ",
    ],
)
async def test_any_spelling_of_a_select_will_do(quiet: AsyncConnection, select: str) -> None:
    await audience(quiet, {}, {})

    assert one(await preview(quiet, p_select=select), "total")["messages"] == 2


async def test_a_column_that_the_audience_lacks_is_not_taken_from_elsewhere(
    quiet: AsyncConnection,
) -> None:
    """`client_id` is one of ours, but the SELECT itself must know what it names."""
    await quiet.execute(
        "create table public.bare (phone text); grant select on public.bare to sms_audience"
    )

    with pytest.raises(psycopg.Error, match='column "client_id" does not exist'):
        await preview(quiet, p_select="select phone, client_id from bare")


@pytest.mark.parametrize("role", ["sms_analyst", "sms_operator", "sms_erp"])
async def test_the_audience_is_read_with_the_rights_of_the_reader_whoever_asks(
    conn: AsyncConnection, as_role: AsRole, role: str
) -> None:
    await insert_many(conn, [{"campaign_id": CAMPAIGN}])
    caller = await as_role(role)

    found = await preview(caller, p_select="select msisdn as phone from sms.message")
    waiting = await rows(caller, "select * from sms.dry_run(p_campaign_id => %s)", CAMPAIGN)

    assert one(found, "total")["messages"] == one(waiting, "total")["messages"] == 1
    for mine in ("select 1 as phone from sms.pending", "select body as phone from sms.outbox"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await preview(caller, p_select=mine)


@pytest.mark.parametrize("role", ["sms_monitor", "sms_worker", "sms_dlr"])
async def test_others_have_no_business_with_it(as_role: AsRole, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await preview(await as_role(role), p_select="select '1' as phone")


# --- nothing is written -------------------------------------------------------------------------


async def contents(db: AsyncConnection) -> dict[str, str]:
    """A digest of every table and the state of every sequence of ours."""
    tables = await rows(
        db,
        """
        select c.oid::regclass::text as name, c.relkind = 'S' as is_sequence
          from pg_class as c
         where c.relnamespace in ('sms'::regnamespace, 'geo'::regnamespace)
           and c.relkind in ('r', 'p', 'S') and not c.relispartition
        """,
    )
    digest = "select md5(string_agg(t::text, '|' order by t::text)) from {} as t"
    place = "select last_value from {}"
    return {
        table["name"]: str(
            await value(db, (place if table["is_sequence"] else digest).format(table["name"]))
        )
        for table in tables
    }


async def test_it_writes_nothing(conn: AsyncConnection) -> None:
    await make_provider(conn)
    await insert(conn, "blacklist", msisdn=number(3), reason="stop")
    await insert_many(
        conn,
        [{"phone": str(number(n)), "campaign_id": CAMPAIGN, "erp_ref": f"r{n}"} for n in range(9)],
    )
    await audience(conn, *({"erp_ref": f"r{n % 4}", "phone": str(number(n % 3))} for n in range(9)))
    before = await contents(conn)

    await conn.execute("begin")
    for find in (
        preview(conn, as_of=NOON + 12 * HOUR),
        rows(conn, "select * from sms.dry_run(%s, %s)", CAMPAIGN, NOON),
    ):
        assert one(await find, "total")["messages"] == 9
    # A transaction that wrote anything has a number, and so its WAL a commit record.
    assert await value(conn, "select pg_current_xact_id_if_assigned()") is None
    await conn.execute("commit")

    assert await contents(conn) == before


async def test_the_transaction_may_write_again_afterwards(quiet: AsyncConnection) -> None:
    await audience(quiet, {})
    await preview(quiet)

    await insert(quiet, "blacklist", msisdn=number(1), reason="stop")

    assert await value(quiet, "show transaction_read_only") == "off"


# --- it agrees with what a launch then does -----------------------------------------------------

ZONES = ["Europe/Moscow", "Asia/Omsk", "Asia/Vladivostok", "Europe/Kaliningrad", "Nowhere/Land"]
BLOCKS = [("mts", "Europe/Moscow"), ("megafon", "Asia/Omsk"), ("t2", "Asia/Kamchatka"), ("", "")]
TEXTS = ["hello", "привет", "x" * 200, "ы" * 100, "{€}" * 60]


async def set_the_stage(db: AsyncConnection, dice: random.Random, as_of: datetime) -> None:
    """Ranges, prices, rules and a past, all by chance; operator blocks of a hundred numbers."""
    await make_provider(db, "second", point_lanes=False, tps=7)
    await db.execute("select sms.switch_channel('planned', 'second', 'megafon')")
    await db.execute(
        "insert into sms.tariff (provider_id, price)"
        " select provider_id, 1 + provider_id::numeric / 8 from sms.provider"
    )
    for block, (operator, zone) in enumerate(BLOCKS[:-1]):
        await add_range(
            db, number(block * 100), number(block * 100 + 99), zone=zone, operator=operator
        )
    await change_channel(
        db, "planned", needs_consent=dice.random() < 0.4,
        dedup_window=dice.choice([timedelta(0), 20 * HOUR, 3 * DAY]),
    )  # fmt: skip
    await insert(
        db, "campaign", campaign_id=CAMPAIGN, campaign="spring",
        holdout_percent=dice.choice([0, 0, 20]),
    )  # fmt: skip
    caps: list[dict[str, Any]] = [
        {"period": "day", "max_messages": 2, "channel": "planned"},
        {"period": "week", "max_messages": 3, "category": "advertising"},
        {"period": "rolling", "span": 30 * HOUR, "max_messages": 2},
        {"period": "day", "max_messages": 2, "per": "client"},
        {"period": "rolling", "span": 3 * DAY, "max_messages": 4, "per": "client"},
    ]
    await set_caps(db, *dice.sample(caps, dice.randint(0, 4)))
    await set_quiet_hours(
        db, {"quiet_from": "21:00", "quiet_until": "09:00"},
        *dice.choice([[], [{"quiet_from": "13:00", "quiet_until": "14:00"}]]),
    )  # fmt: skip
    group = await insert(db, "recipient_group", recipient_group="friends")
    await insert(db, "recipient_group_member", group_id=group, client_id=5)
    await insert(db, "blacklist", group_id=group, reason="friends", created_at=as_of - DAY)
    await insert(db, "blacklist", prefix="7907000022", reason="odd", created_at=as_of - DAY)
    for _ in range(12):
        victim = number(dice.randrange(400))
        begins = as_of + timedelta(hours=dice.randint(-30, 20))
        await insert(
            db, "blacklist", msisdn=victim, reason="stop", created_at=begins,
            category=dice.choice([None, "advertising", "service"]), expires_at=begins + 14 * HOUR,
        )  # fmt: skip
    await db.execute(
        """
        insert into sms.consent (msisdn, category, proof, valid_from, valid_until)
        select %s + n, 'advertising', 'form', %s::timestamptz - '1 day'::interval,
               case when n %% 7 = 0 then %s::timestamptz + '10 hours'::interval end
          from generate_series(0, 399) as n where n %% 5 > 0
        """,
        [number(0), as_of, as_of],
    )


def draw_people(dice: random.Random, as_of: datetime, size: int) -> list[dict[str, Any]]:
    """Requests by chance: repeated numbers and clients, odd phones, own zones, later moments.

    Who shares a client or a reference shares an operator, for the order of lanes is drawn anew by
    every claim.
    """
    people = []
    for _ in range(size):
        block = dice.randrange(4)
        client = dice.randrange(12)
        digit = client * 4 + dice.choice([0, 0, 0, 1, 2])
        later = dice.random() < 0.2
        not_before = as_of + (timedelta(minutes=dice.randrange(2000)) if later else timedelta(0))
        short = dice.random() < 0.1
        people.append(
            {
                "phone": dice.choice(["8495", ""]) if dice.random() < 0.04
                else f"8{number(block * 100 + digit) % 10**10}",
                "client_id": block * 100 + client if dice.random() < 0.8 else None,
                "body": dice.choice(TEXTS),
                "time_zone": dice.choice(ZONES) if dice.random() < 0.2 else None,
                "priority": 3,
                "not_before": not_before,
                "expires_at": not_before + timedelta(hours=dice.randint(1, 20)) if short else None,
                "erp_ref": f"{block}/{dice.randrange(20)}" if dice.random() < 0.2 else None,
            }
        )  # fmt: skip
    return people


async def drain(db: AsyncConnection, as_of: datetime) -> None:
    """Claim and settle at every moment at which something is due, until nothing waits."""
    moment: datetime | None = as_of
    while moment is not None:
        for provider in (PROVIDER, "second"):
            while (claimed := await claim(db, as_of=moment, provider=provider, limit=1000)).judged:
                if not claimed.ids:
                    continue
                assert await mark(db, claimed.claim_id, claimed.ids)
                for message_id, body in zip(claimed.ids, claimed.bodies, strict=True):
                    segments = await value(db, "select sms.segments(%s)", body)
                    await settle(db, claimed.claim_id, [message_id], segments=segments)
        moment = await value(db, "select min(not_before) from sms.pending")


async def happened(db: AsyncConnection, as_of: datetime) -> dict[str, Any]:
    """What a launch did, in the words of `told`."""
    gone = await rows(
        db,
        """
        select m.state, m.reason, m.segments, m.cost, m.provider, l.at,
               l.at > greatest(o.not_before, %s) as was_deferred
          from sms.message as m
          join sms.outbox as o on o.id = m.id
          left join sms.contact_log as l on l.message_id = m.id
         where m.campaign_id = %s
        """,
        as_of,
        CAMPAIGN,
    )
    kept = [line for line in gone if line["state"] == "accepted"]
    cost: Counter[str] = Counter()
    for line in kept:
        cost[line["provider"]] += line["cost"]
    return {
        "total": len(gone),
        "kept": len(kept),
        "segments": sum(line["segments"] for line in kept),
        "suppressed": dict(Counter(line["reason"] for line in gone if line["reason"])),
        "deferred": dict(Counter(_hour(line["at"]) for line in kept if line["was_deferred"])),
        "cost": dict(cost),
    }


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def told(found: Sequence[Row]) -> dict[str, Any]:
    """What a dry run foretold."""
    return {
        "total": one(found, "total")["messages"],
        "kept": one(found, "kept")["messages"],
        "segments": one(found, "kept")["segments"],
        "suppressed": counted(found, "suppressed"),
        "deferred": {line["at"]: line["messages"] for line in found if line["topic"] == "deferred"},
        "cost": {line["key"]: line["cost"] for line in found if line["topic"] == "cost"},
    }


@pytest.mark.parametrize("seed", range(20))
async def test_a_launch_does_what_was_foretold(db: AsyncConnection, seed: int) -> None:
    dice = random.Random(seed)
    as_of = WEDNESDAY + timedelta(minutes=dice.choice([600, 790, 1000, 1275, 1439, 1500]))
    await set_the_stage(db, dice, as_of)
    # Who goes first after a spread opening depends on ids that a SELECT does not have yet.
    spread = timedelta(0) if seed % 2 else 40 * MINUTE
    await change_channel(db, "planned", opening_spread=spread)

    # A campaign that ran before is the past that caps and windows count.
    past = draw_people(dice, as_of - 15 * HOUR, 60)
    await insert_many(db, [{**one, "channel": "planned", "campaign_id": 1} for one in past])
    await drain(db, as_of - 15 * HOUR)

    people = draw_people(dice, as_of, 150)
    await audience(db, *people)
    select = told(await preview(db, as_of=as_of, campaign_id=CAMPAIGN, body=None))
    await insert_many(
        db, [{**one, "channel": "planned", "campaign_id": CAMPAIGN} for one in people]
    )
    refused = await value(
        db,
        "select count(*) from sms.message where campaign_id = %s and state <> 'pending'",
        CAMPAIGN,
    )
    campaign = told(await rows(db, "select * from sms.dry_run(%s, %s)", CAMPAIGN, as_of))
    await drain(db, as_of)

    did = await happened(db, as_of)
    if spread == timedelta(0):
        assert select == did
    assert select["total"] == did["total"]
    # What was refused at insert does not wait, so it is no part of the campaign's preview.
    assert campaign["total"] == did["total"] - refused
    assert campaign["kept"] == did["kept"]
    for what in ("segments", "deferred", "cost"):
        assert campaign[what] == did[what], what
    assert Counter(did["suppressed"]) - Counter(campaign["suppressed"]) == Counter(
        {
            reason: n
            for reason, n in did["suppressed"].items()
            if reason not in campaign["suppressed"]
        }
    )
    assert sum(did["suppressed"].values()) == sum(campaign["suppressed"].values()) + refused
    assert did["kept"] > 10
    assert len(did["suppressed"]) > 2
