"""The building blocks of audiences by place: several stations, lines, areas, cities.

Everything is compared with what great circles say, counted one by one without the database.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from random import Random

import psycopg
import pytest
from psycopg import AsyncConnection

from geo.generate import Client, clients, put_on_map, stations
from tests.geo.great_circle import EARTH_M, Point, distance_m
from tests.support.plans import Plans

COUNT = 8_000
OFF = 1e-6  # the database counts great circles too
OFF_PLANE = 0.001  # by how much a plane that touches the globe may differ within a few kilometres


async def put(tx: AsyncConnection, count: int = COUNT) -> list[Client]:
    """Clients around real towns and stations."""
    made = list(clients(count, 5, await stations(tx)))
    await put_on_map(tx, iter(made), count)
    return made


async def places(tx: AsyncConnection) -> dict[str, list[Point]]:
    """Every station as `City: Name`, with the points of its lines."""
    found: dict[str, list[Point]] = {}
    rows = await tx.execute(
        """
        select city || ': ' || name, st_y(location::geometry), st_x(location::geometry)
          from geo.metro_station order by 1, line
        """
    )
    for name, lat, lon in await rows.fetchall():
        found.setdefault(name, []).append((lat, lon))
    return found


def within(metres: dict[int, float], limit: float, off: float = OFF) -> tuple[set[int], set[int]]:
    """Clients that must be found, and those that may be."""
    return (
        {n for n, m in metres.items() if m < limit * (1 - off)},
        {n for n, m in metres.items() if m < limit * (1 + off)},
    )


def close_to(points: Sequence[Point], made: Sequence[Client], limit: float) -> dict[int, float]:
    """Metres from the nearest point, of clients that are not far away by latitude alone."""
    degrees = limit * 1.1 / 111_000
    return {
        one.client_id: min(distance_m((one.lat, one.lon), at) for at in points)
        for one in made
        if any(abs(one.lat - lat) < degrees for lat, _ in points)
    }


async def refusal(tx: AsyncConnection, query: str, *values: object) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        async with tx.transaction():
            await tx.execute(query.encode(), values)
    return caught.value


@pytest.mark.parametrize("radius_m", [400, 1_000, 3_000])
async def test_every_shipped_station_agrees_with_great_circles(
    tx: AsyncConnection, radius_m: float
) -> None:
    made = await put(tx)
    all_places = await places(tx)
    total = 0
    for name, points in all_places.items():
        rows = await tx.execute("select * from geo.clients_near(%s, %s)", (name, radius_m))
        found: dict[int, float] = dict(await rows.fetchall())
        metres = close_to(points, made, radius_m)
        least, most = within(metres, radius_m)
        assert least <= set(found) <= most, name
        assert all(found[n] == pytest.approx(metres[n], rel=OFF) for n in found)
        total += len(found)
    assert len(all_places) >= 70
    assert total > 100


async def test_of_several_stations_the_nearest_wins_and_each_client_comes_once(
    tx: AsyncConnection,
) -> None:
    made = await put(tx)
    all_places = await places(tx)
    names = [name for name in all_places if name.startswith("Москва")]
    rows = await tx.execute("select * from geo.clients_near_any(%s, 1500)", (names,))
    answers = await rows.fetchall()
    found = {client: (station, metres) for client, station, metres in answers}
    assert len(found) == len(answers) > 100

    every = [at for name in names for at in all_places[name]]
    nearest = close_to(every, made, 1500)
    least, most = within(nearest, 1500)
    assert least <= set(found) <= most
    homes = {one.client_id: (one.lat, one.lon) for one in made}
    for client, (station, metres) in found.items():
        assert metres == pytest.approx(nearest[client], rel=OFF)
        own = min(distance_m(homes[client], at) for at in all_places[station])
        assert own == pytest.approx(nearest[client], rel=2 * OFF)


async def test_several_stations_know_every_name_or_say_so(tx: AsyncConnection) -> None:
    ask = "select * from geo.clients_near_any(%s, %s)"
    assert (await refusal(tx, ask, ["Киевская", "Тоганская"], 1000)).sqlstate == "SM010"
    assert (await refusal(tx, ask, ["Спортивная"], 1000)).sqlstate == "SM011"
    assert (await refusal(tx, ask, ["Киевская"], 0)).sqlstate == "SM012"
    rows = await tx.execute("select * from geo.clients_near_any('{}'::text[], 1000)")
    assert await rows.fetchall() == []


def square_degrees(random: Random) -> list[Point]:
    """A random convex polygon in Moscow: points of an ellipse, in order."""
    lat, lon = 55.75 + random.uniform(-0.05, 0.05), 37.62 + random.uniform(-0.08, 0.08)
    size = random.uniform(0.01, 0.04)
    turns = sorted(random.uniform(0, 2 * math.pi) for _ in range(random.randint(3, 9)))
    return [(lat + size * math.sin(t), lon + 1.7 * size * math.cos(t)) for t in turns]


def side_m(home: Point, area: Sequence[Point]) -> float:
    """Metres inside (positive) or outside the nearest edge line of a convex polygon, by the plane
    that touches the globe there; counter-clockwise."""
    lat0 = math.radians(home[0])
    per_lat, per_lon = math.radians(EARTH_M), math.radians(EARTH_M) * math.cos(lat0)
    least = math.inf
    for (lat1, lon1), (lat2, lon2) in zip(area, [*area[1:], area[0]], strict=True):
        x1, y1 = (lon1 - home[1]) * per_lon, (lat1 - home[0]) * per_lat
        x2, y2 = (lon2 - home[1]) * per_lon, (lat2 - home[0]) * per_lat
        least = min(least, (x1 * y2 - x2 * y1) / math.hypot(x2 - x1, y2 - y1))
    return least


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", ["wkt", "geojson"])
async def test_areas_agree_with_the_side_of_every_edge(
    tx: AsyncConnection, seed: int, form: str
) -> None:
    made = await put(tx)
    area = square_degrees(Random(seed))
    ring = [*area, area[0]]
    if form == "wkt":
        text = "POLYGON((" + ", ".join(f"{lon} {lat}" for lat, lon in ring) + "))"
    else:
        rings = [[[lon, lat] for lat, lon in ring]]
        text = json.dumps({"type": "Polygon", "coordinates": rings})
    rows = await tx.execute("select client_id from geo.clients_in_area(%s)", (text,))
    found = {client for (client,) in await rows.fetchall()}

    inside = {
        one.client_id: side_m((one.lat, one.lon), area) for one in made if one.town == "Москва"
    }
    # Edges are great circles: over a few kilometres they bow by a few metres.
    assert {n for n, m in inside.items() if m > 10} <= found
    assert found <= {n for n, m in inside.items() if m > -10}


@pytest.mark.parametrize(
    ("area", "says"),
    [
        ("POINT(37 55)", "no area but POINT"),
        ("LINESTRING(37 55, 38 56)", "no area but LINESTRING"),
        ("POLYGON EMPTY", "no area but POLYGON"),
        ("", "no area"),
        (None, "nothing"),
        ("Москва", "no area"),
        ('{"type": "Polygon"}', "no area"),
        ("{", "no area"),
        ("POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", "Self-intersection"),
        ("POLYGON((0 0, 1 1, 1 0))", "no area"),
        ("POLYGON((0 0, 1 100, 2 0, 0 0))", "outside the map"),
    ],
)
async def test_what_is_no_area_is_said(tx: AsyncConnection, area: str | None, says: str) -> None:
    error = await refusal(tx, "select * from geo.clients_in_area(%s)", area)
    assert error.sqlstate == "SM039"
    assert says in (error.diag.message_primary or "")


def tree(points: Sequence[Point]) -> set[frozenset[Point]]:
    """The shortest tree over the points, by Kruskal; a ring closed as the function promises."""
    pairs = sorted((distance_m(a, b), a, b) for n, a in enumerate(points) for b in points[n + 1 :])
    group = {point: n for n, point in enumerate(points)}
    edges: set[frozenset[Point]] = set()
    longest = 0.0
    for metres, a, b in pairs:
        if group[a] != group[b]:
            old, new = group[a], group[b]
            group = {p: new if g == old else g for p, g in group.items()}
            edges.add(frozenset((a, b)))
            longest = max(longest, metres)
    ends = [p for p in points if sum(p in edge for edge in edges) == 1]
    if len(points) > 3 and len(ends) == 2 and distance_m(*ends) <= 1.5 * longest:
        edges.add(frozenset(ends))
    return edges


async def edges_of(tx: AsyncConnection, line: str) -> set[frozenset[Point]]:
    rows = await tx.execute(
        """
        select st_y(st_startpoint(d.geom)), st_x(st_startpoint(d.geom)),
               st_y(st_endpoint(d.geom)), st_x(st_endpoint(d.geom))
          from st_dump(geo.line_path(%s)::geometry) as d
         where geometrytype(d.geom) = 'LINESTRING'
        """,
        (line,),
    )
    return {frozenset(((a, b), (c, d))) for a, b, c, d in await rows.fetchall()}


def to_stretch_m(home: Point, stretch: frozenset[Point]) -> float:
    """Metres to a straight stretch, by the plane that touches the globe at the home."""
    (lat1, lon1), (lat2, lon2) = sorted(stretch)
    per_lat = math.radians(EARTH_M)
    per_lon = per_lat * math.cos(math.radians(home[0]))
    x1, y1 = (lon1 - home[1]) * per_lon, (lat1 - home[0]) * per_lat
    dx, dy = (lon2 - lon1) * per_lon, (lat2 - lat1) * per_lat
    share = min(1.0, max(0.0, -(x1 * dx + y1 * dy) / (dx * dx + dy * dy)))
    return math.hypot(x1 + share * dx, y1 + share * dy)


async def test_every_shipped_line_is_the_path_of_its_stations(tx: AsyncConnection) -> None:
    rows = await tx.execute(
        """
        select city || ': ' || line, array_agg(st_y(location::geometry) order by station_id),
               array_agg(st_x(location::geometry) order by station_id)
          from geo.metro_station group by 1
        """
    )
    lines = await rows.fetchall()
    assert len(lines) >= 10
    for line, lats, lons in lines:
        points = list(zip(lats, lons, strict=True))
        assert await edges_of(tx, line) == (tree(points) if len(points) > 1 else set()), line


async def test_a_ring_is_closed_and_a_straight_line_is_not(tx: AsyncConnection) -> None:
    ring = await edges_of(tx, "Кольцевая")
    assert len(ring) == len({point for edge in ring for point in edge}) > 5
    straight = await edges_of(tx, "Сокольническая")
    assert len(straight) == len({point for edge in straight for point in edge}) - 1


async def test_a_line_may_have_branches(tx: AsyncConnection) -> None:
    await tx.execute(
        """
        insert into geo.metro_station (city, line, name, location)
        select 'Город', 'Ветвистая', n::text, st_setsrid(st_makepoint(x, y), 4326)::geography
          from (values (1, 30.00, 60.0), (2, 30.02, 60.0), (3, 30.04, 60.0), (4, 30.06, 60.0),
                       (5, 30.03, 60.01)) as s (n, x, y)
        """
    )
    edges = await edges_of(tx, "Ветвистая")
    assert len(edges) == 4
    degrees = [sum((60.0, lon) in edge for edge in edges) for lon in (30.00, 30.02, 30.04, 30.06)]
    assert sorted(degrees) == [1, 1, 2, 3]


@pytest.mark.parametrize("reach_m", [300, 1_000])
async def test_reach_of_a_line_agrees_with_distances_to_every_stretch(
    tx: AsyncConnection, reach_m: float
) -> None:
    made = [one for one in await put(tx) if one.town == "Москва"]
    stretches = await edges_of(tx, "Москва: Сокольническая")
    metres = {
        one.client_id: min(to_stretch_m((one.lat, one.lon), s) for s in stretches) for one in made
    }
    rows = await tx.execute(
        "select client_id, distance_m from geo.clients_along('Сокольническая', %s)", (reach_m,)
    )
    found: dict[int, float] = dict(await rows.fetchall())
    least, most = within(metres, reach_m, OFF_PLANE)
    assert least <= set(found) <= most
    assert len(found) > 20
    assert list(found.values()) == sorted(found.values())
    for n, m in found.items():
        assert m == pytest.approx(metres[n], rel=OFF_PLANE, abs=1)


@pytest.mark.parametrize(
    ("line", "hint"),
    [("Кольцо", "Lines: "), ("Казань: Кольцевая", "written as in geo.metro_station"), (None, "")],
)
async def test_a_line_that_is_not_there_is_said(
    tx: AsyncConnection, line: str | None, hint: str
) -> None:
    error = await refusal(tx, "select * from geo.clients_along(%s, 100)", line)
    assert error.sqlstate == "SM039"
    assert hint in (error.diag.message_hint or "")


async def test_a_line_of_several_cities_must_be_made_clear(tx: AsyncConnection) -> None:
    await tx.execute(
        """
        insert into geo.metro_station (city, line, name, location)
        values ('Город', 'Кольцевая', 'Одна', 'SRID=4326;POINT(30 60)')
        """
    )
    error = await refusal(tx, "select * from geo.clients_along('Кольцевая', 100)")
    assert error.diag.message_hint == "Write one of: Город: Кольцевая, Москва: Кольцевая."
    await tx.execute(
        """
        insert into geo.client_location (client_id, location)
        values (1, 'SRID=4326;POINT(30 60.0005)')
        """
    )
    rows = await tx.execute("select client_id from geo.clients_along('город: кольцевая', 100)")
    assert await rows.fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["Казань", "казань", "г. Казань", " КАЗАНЬ "])
async def test_a_city_is_found_as_people_write_it(tx: AsyncConnection, name: str) -> None:
    made = await put(tx, 3_000)
    rows = await tx.execute("select client_id from geo.clients_in_city(%s)", (name,))
    assert {n for (n,) in await rows.fetchall()} == {
        one.client_id for one in made if one.town == "Казань"
    }


@pytest.mark.parametrize("name", ["Нигде", "", None, "Каз"])
async def test_a_city_nobody_lives_in_has_no_clients(tx: AsyncConnection, name: str | None) -> None:
    await put(tx, 500)
    rows = await tx.execute("select client_id from geo.clients_in_city(%s)", (name,))
    assert await rows.fetchall() == []


CALLS = {
    "client_location_location": (
        "select count(*) from geo.clients_near('Москва: Таганская', 1000)",
        "select count(*) from geo.clients_near_any(array['Таганская', 'Москва: Киевская'], 1000)",
        "select count(*) from geo.clients_in_area("
        "'POLYGON((37.6 55.73, 37.7 55.73, 37.7 55.78, 37.6 55.73))')",
        "select count(*) from geo.clients_along('Кольцевая', 500)",
    ),
    "client_location_city": ("select count(*) from geo.clients_in_city('Казань')",),
}


@pytest.mark.parametrize(
    ("index", "call"), [(index, call) for index, calls in CALLS.items() for call in calls]
)
async def test_every_way_to_choose_uses_its_index_even_if_planned_while_the_table_was_empty(
    tx: AsyncConnection, index: str, call: str
) -> None:
    await tx.execute("set local plan_cache_mode = force_generic_plan")
    await tx.execute(call.encode())
    await put(tx, 20_000)
    plans = await Plans.watch(tx)

    rows = await tx.execute(call.encode())
    [(count,)] = await rows.fetchall()

    assert count > 5
    scans = [scan for scan in plans.scans() if "client_location" in scan.table]
    assert scans
    assert {scan.index for scan in scans if not scan.index or "pkey" not in scan.index} == {index}
    assert not any(scan.is_whole for scan in scans)
    # Nearly all that it read was meant: the boxes around the shapes are not much bigger.
    assert sum(scan.rows + scan.removed for scan in scans if scan.index == index) < 8 * count + 200
