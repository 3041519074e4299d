"""Where the zone comes from: row, client, where the client lives, number, channel; else unknown."""

from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.clock import DAY, HOUR, NOON, WEDNESDAY, moscow
from tests.support.factory import (
    add_range,
    change_channel,
    insert,
    insert_outbox,
    number,
    set_quiet_hours,
    try_at,
    value,
)

CLIENT = 5


async def zone(db: AsyncConnection, name: str) -> int:
    """The key of a zone."""
    return int(await value(db, "select zone_id from sms.time_zone where name = %s", name))


async def every_source(db: AsyncConnection) -> None:
    """Each source names another zone."""
    await insert(db, "client_zone", client_id=CLIENT, zone_id=await zone(db, "Asia/Omsk"))
    await db.execute(
        "insert into geo.client_location (client_id, location, zone_id)"
        " values (%s, 'SRID=4326;POINT(37.6 55.7)', %s)",
        [CLIENT, await zone(db, "Asia/Irkutsk")],
    )
    await add_range(db, number(1), zone="Asia/Vladivostok")
    await change_channel(db, "planned", time_zone="Europe/Samara")


async def understood(db: AsyncConnection, **request: Any) -> tuple[str, str]:
    """The zone of a new message, and what sms.interpret_request says told it."""
    message_id = await insert_outbox(db, **{"channel": "planned", "client_id": CLIENT, **request})
    waiting = await value(
        db,
        """
        select z.name from sms.pending as p join sms.time_zone as z using (zone_id)
         where p.id = %s
        """,
        message_id,
    )
    source = await value(
        db,
        """
        select f.zone_source
          from sms.outbox as o
          cross join lateral sms.interpret_request(
                   o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref, o.priority,
                   o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
         where o.id = %s
        """,
        message_id,
    )
    return str(waiting), str(source)


async def test_the_order_of_the_sources(db: AsyncConnection) -> None:
    """Take one source away after the other: the next one speaks."""
    await every_source(db)

    assert await understood(db, time_zone="Europe/Kaliningrad") == (
        "Europe/Kaliningrad",
        "the row",
    )
    assert await understood(db) == ("Asia/Omsk", "the client")
    await db.execute("delete from sms.client_zone")
    assert await understood(db) == ("Asia/Irkutsk", "where the client lives")
    await db.execute("update geo.client_location set zone_id = null")
    assert await understood(db) == ("Asia/Vladivostok", "the number")
    await db.execute("delete from sms.number_range")
    assert await understood(db) == ("Europe/Samara", "the channel")
    await change_channel(db, "planned", time_zone=None)
    assert await understood(db) == ("unknown", "nothing tells it")


@pytest.mark.parametrize("client_id", [None, 6])
async def test_another_clients_zone_says_nothing(
    db: AsyncConnection, client_id: int | None
) -> None:
    await every_source(db)

    assert await understood(db, client_id=client_id) == ("Asia/Vladivostok", "the number")


async def test_a_number_of_unknown_zone_leaves_it_to_the_channel(db: AsyncConnection) -> None:
    await add_range(db, number(1), zone="unknown")
    await change_channel(db, "planned", time_zone="Europe/Samara")

    assert await understood(db) == ("Europe/Samara", "the channel")


async def test_the_clients_zone_decides_when_it_is_quiet(db: AsyncConnection) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await insert(db, "client_zone", client_id=CLIENT, zone_id=await zone(db, "Asia/Vladivostok"))
    await add_range(db, number(1), zone="Europe/Moscow")
    # 15:00 in Moscow is 22:00 in Vladivostok.
    afternoon = moscow(WEDNESDAY, 15)

    assert await try_at(db, afternoon, channel="planned", client_id=CLIENT) == "pending"
    assert await try_at(db, afternoon, channel="planned") == "inflight"
    waits_until = await value(db, "select not_before from sms.pending")
    assert waits_until == moscow(WEDNESDAY + DAY, 2)


async def test_a_number_of_several_zones_is_written_to_when_all_of_them_are_awake(
    db: AsyncConnection,
) -> None:
    await set_quiet_hours(db, {"quiet_from": "21:00", "quiet_until": "09:00"})
    await db.execute(
        "insert into sms.time_zone (name, members)"
        " values ('Moscow or Vladivostok', '{Europe/Moscow,Asia/Vladivostok}')"
    )
    await add_range(db, number(1), zone="Moscow or Vladivostok")

    # Awake in both: from 9 in Moscow (16 in Vladivostok) to 21 in Vladivostok (14 in Moscow).
    assert await try_at(db, moscow(WEDNESDAY, 9), channel="planned") == "inflight"
    assert await try_at(db, moscow(WEDNESDAY, 14) - HOUR / 60, channel="planned") == "inflight"
    assert await try_at(db, moscow(WEDNESDAY, 14), channel="planned") == "pending"
    assert await value(db, "select not_before from sms.pending") == moscow(WEDNESDAY + DAY, 9)


async def test_a_zone_learned_later_does_not_move_what_was_accepted(db: AsyncConnection) -> None:
    """The zone is the request's when it came in; the next request has the new one."""
    before = await insert_outbox(db, channel="planned", client_id=CLIENT, not_before=NOON)
    await insert(db, "client_zone", client_id=CLIENT, zone_id=await zone(db, "Asia/Omsk"))

    kept = await value(db, "select zone_id from sms.pending where id = %s", before)
    assert kept == 0
    assert await understood(db) == ("Asia/Omsk", "the client")
