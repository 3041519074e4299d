"""The example audiences that ship: each is saved as it is and finds whom it promises to find.

The clients are generated around real towns; whom an example must find is worked out here, in
Python, from what was put in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from cli.audience import EXAMPLES, title_of
from geo.generate import Client, clients, put_on_map, stations
from tests.audiences.conftest import people
from tests.geo.great_circle import distance_m
from tests.support.factory import Row, insert_many, make_provider

COUNT = 6_000
NOW = datetime.now(UTC)
Action = tuple[int, str, int, float]  # client, action, days ago, amount


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the examples are tried on."""

    db: AsyncConnection
    clients: list[Client]
    actions: list[Action]
    written: dict[int, int] = field(default_factory=dict)  # client: days ago
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    async def find(self, example: str) -> dict[int, Row]:
        """Save the example and read it; people by client."""
        path = EXAMPLES / f"{example}.sql"
        await self.db.execute(
            "select sms.save_audience(%s, %s, %s)", [example, path.read_text(), title_of(path)]
        )
        found = await people(self.db, example)
        by_client = {int(person["client_id"]): person for person in found}
        assert len(by_client) == len(found)  # each once
        phones = {client.client_id: client.phone for client in self.clients}
        assert all(person["phone"] == phones[key] for key, person in by_client.items())
        return by_client

    def near(self, station: str) -> dict[int, float]:
        """Metres from each client to a station, the nearest of its lines."""
        return {
            one.client_id: min(distance_m((one.lat, one.lon), at) for at in self.points[station])
            for one in self.clients
        }

    def did(self, action: str) -> dict[int, list[Action]]:
        found: dict[int, list[Action]] = {}
        for act in self.actions:
            if act[1] == action:
                found.setdefault(act[0], []).append(act)
        return found


def agree(found: set[int], metres: dict[int, float], limit: float) -> None:
    """The same within the 0.6 % by which a sphere differs from the earth."""
    assert {n for n, m in metres.items() if m < limit * 0.994} <= found
    assert found <= {n for n, m in metres.items() if m < limit * 1.006}


@pytest.fixture
async def world(tx: AsyncConnection) -> World:
    await make_provider(tx)
    made = list(clients(COUNT, 11, await stations(tx)))
    await put_on_map(tx, iter(made), COUNT, with_phones=True)
    actions = [
        (one.client_id, action, days, 100.0 + one.client_id % 97)
        for one in made
        for action, days in (
            *([("late_payment", 200 if one.client_id % 4 == 0 else 20)] * (one.client_id % 2)),
            *([("payment", one.client_id % 120)] * (one.client_id % 3)),
        )
    ]
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into erp.local_action (client_id, action, at, amount)
            values (%s, %s, now() - make_interval(days => %s), %s)
            """,
            actions,
        )
    written = {one.client_id: one.client_id % 50 for one in made if one.client_id % 5 == 0}
    await write_to(tx, written)
    await tx.execute(
        """
        update erp.local_client as c
           set attributes = jsonb_build_object(
                   'name', 'client ' || client_id,
                   'birthday', date '1980-01-01' + (client_id % 366)::int)
        """
    )
    points = {
        name: [(lat, lon) async for lat, lon in await tx.execute(
            """
            select st_y(location::geometry), st_x(location::geometry) from geo.metro_station
             where city = 'Москва' and name = %s
            """,
            [name],
        )]
        for name in ("Таганская", "Курская", "Киевская")
    }  # fmt: skip
    return World(db=tx, clients=made, actions=actions, written=written, points=points)


async def write_to(tx: AsyncConnection, written: dict[int, int]) -> None:
    """Let messages to these clients have been delivered so many days ago."""
    ids = await insert_many(
        tx, [{"client_id": client, "phone": f"7907{client:07}"} for client in written]
    )
    await tx.execute("delete from sms.pending")
    rows = [
        (message, client, days)
        for message, (client, days) in zip(ids, written.items(), strict=True)
    ]
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, client_id,
                                     state)
            values (%(id)s, 79070000001, %(at)s, %(at)s, %(at)s, %(client)s, 'delivered')
            """,
            [{"id": m, "client": c, "at": NOW - timedelta(days=d, hours=1)} for m, c, d in rows],
        )
        await cursor.executemany(
            """
            insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
            select 79070000001, %(at)s, 0, %(id)s, %(client)s, channel_id
              from sms.channel where channel = 'single'
            """,
            [{"id": m, "client": c, "at": NOW - timedelta(days=d, hours=1)} for m, c, d in rows],
        )


def test_ten_ship_each_with_a_title() -> None:
    paths = sorted(EXAMPLES.glob("*.sql"))
    assert len(paths) == 10
    assert all(path.read_text().startswith("-- ") and title_of(path) for path in paths)


async def test_late_payers_near_metro(world: World) -> None:
    found = await world.find("late-payers-near-metro")
    late = {n for n, acts in world.did("late_payment").items() if any(a[2] <= 90 for a in acts)}
    silent = {one.client_id for one in world.clients if world.written.get(one.client_id, 99) >= 7}
    moscow = {one.client_id for one in world.clients if one.town == "Москва"}
    fit = late & silent & moscow
    agree(set(found), {n: m for n, m in world.near("Таганская").items() if n in fit}, 1000)
    assert found
    for n, person in found.items():
        assert person["vars"]["metres"] == pytest.approx(world.near("Таганская")[n], rel=0.006)
        assert person["vars"]["city"] == "Москва"


async def test_near_several_stations(world: World) -> None:
    found = await world.find("near-several-stations")
    metres = {name: world.near(name) for name in world.points}
    nearest = {
        one.client_id: min(metres[name][one.client_id] for name in metres) for one in world.clients
    }
    agree(set(found), nearest, 1000)
    assert len(found) > 10
    for n, person in found.items():
        station = person["vars"]["station"].removeprefix("Москва: ")
        assert metres[station][n] == pytest.approx(nearest[n], abs=8)


async def test_drawn_area(world: World) -> None:
    found = await world.find("drawn-area")
    # A great circle bows less than a metre from the parallel over four kilometres.
    for edge, compare in ((0.00002, set.issuperset), (-0.00002, set.issubset)):
        inside = {
            one.client_id
            for one in world.clients
            if 55.74 + edge < one.lat < 55.78 - edge and 37.60 + edge < one.lon < 37.66 - edge
        }
        assert compare(set(found), inside)
    assert len(found) > 10


async def test_along_metro_line(world: World) -> None:
    found = await world.find("along-metro-line")
    assert len(found) > 10
    assert all(0 <= person["vars"]["metres"] <= 500 for person in found.values())
    # Who lives by a station of the line lives by the line; the path itself is tested with geo.
    near = {n for n, m in world.near("Таганская").items() if m < 495}
    assert near <= set(found)


async def test_one_city(world: World) -> None:
    found = await world.find("one-city")
    assert set(found) == {one.client_id for one in world.clients if one.town == "Казань"}


async def test_silent_for_a_month(world: World) -> None:
    found = await world.find("silent-for-a-month")
    assert set(found) == {
        one.client_id for one in world.clients if world.written.get(one.client_id, 99) >= 30
    }


async def test_written_to_but_not_paid(world: World) -> None:
    found = await world.find("written-to-but-not-paid")
    paid = world.did("payment")
    assert set(found) == {
        n for n, days in world.written.items()
        if days < 14 and not any(act[2] <= days for act in paid.get(n, []))
    }  # fmt: skip
    assert len(found) > 10


async def test_birthday_today(world: World) -> None:
    found = await world.find("birthday-today")
    rows = await world.db.execute(
        """
        select c.client_id, c.attributes ->> 'birthday', z.name
          from erp.client as c
          join geo.client_location as l using (client_id)
          join sms.time_zone as z using (zone_id)
        """
    )
    today = (await (await world.db.execute("select now()")).fetchall())[0][0]
    assert set(found) == {
        client
        for client, birthday, zone in await rows.fetchall()
        if birthday[5:] == today.astimezone(ZoneInfo(zone)).strftime("%m-%d")
    }
    assert found
    assert all(person["vars"]["name"] == f"client {n}" for n, person in found.items())


async def test_best_payers(world: World) -> None:
    found = await world.find("best-payers")
    totals = {
        n: sum(act[3] for act in acts if act[2] < 90) for n, acts in world.did("payment").items()
    }
    best = sorted((n for n, total in totals.items() if total), key=lambda n: (-totals[n], n))[:1000]
    assert set(found) == set(best)
    assert {n: float(p["vars"]["total"]) for n, p in found.items()} == {n: totals[n] for n in best}


async def test_lapsed(world: World) -> None:
    found = await world.find("lapsed")
    last = {n: min(act[2] for act in acts) for n, acts in world.did("payment").items()}
    # now() - 60 days is the same moment for the payment and for the question, so 60 is not past.
    assert set(found) == {n for n, days in last.items() if days > 60}
    assert {n: person["vars"]["days"] for n, person in found.items()} == {n: last[n] for n in found}
    assert len(found) > 10
