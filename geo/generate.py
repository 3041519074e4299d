"""Made-up clients around real towns, for the demo, tests and benchmarks.

Their phones are in codes that no operator holds, so they can reach nobody. The same number and
seed give the same clients.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from psycopg import AsyncConnection

from geo.clients import Row, put_clients
from geo.towns import TOWNS, Town
from imports.load import Progress

# Codes of the numbering plan that the registry gives to no operator (late 2026).
UNHELD_CODES = (907, 935, *range(943, 949), 956, 957, *range(972, 977), 998)
PHONES = len(UNHELD_CODES) * 10**7
# Has no factor in common with PHONES, so that n -> n * STRIDE runs through all of them.
STRIDE = 61_803_399

# People around one station, in thousands, and the most of a city's people that live around any.
PER_STATION = 25
NEAR_METRO = 0.65
STATION_SPREAD_M = 900.0
METRES_PER_DEGREE = 111_195.0

# (lat, lon)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A made-up client; the phone is E.164 with a plus."""

    client_id: int
    phone: str
    town: str
    zone: str
    lat: float
    lon: float


def clients(
    count: int, seed: int, stations: Mapping[str, Sequence[Point]] | None = None, first_id: int = 1
) -> Iterator[Client]:
    """Yield clients, towns in proportion to their people, ids from `first_id`.

    They scatter like a bell curve around the centre, wider where the town is bigger, or around a
    station where `stations` has some of their town.
    """
    if not 0 <= count <= PHONES:
        raise ValueError(f"there are numbers for 0 to {PHONES} clients")
    random = Random(f"clients {seed}")
    weights = list(accumulate(town.thousands for town in TOWNS))
    phone = random.randrange(PHONES)
    for client_id in range(first_id, first_id + count):
        [town] = random.choices(TOWNS, cum_weights=weights)
        lat, lon = _home(random, town, (stations or {}).get(town.name, ()))
        phone = (phone + STRIDE) % PHONES
        yield Client(
            client_id=client_id,
            phone=f"+7{UNHELD_CODES[phone // 10**7]}{phone % 10**7:07}",
            town=town.name,
            zone=town.zone,
            lat=lat,
            lon=lon,
        )


async def stations(conn: AsyncConnection) -> dict[str, list[Point]]:
    """Read the stations of each city."""
    rows = await conn.execute(
        """
        select s.city, st_y(s.location::geometry), st_x(s.location::geometry)
          from geo.metro_station as s
         order by s.city, s.line, s.name
        """
    )
    found: dict[str, list[Point]] = {}
    async for city, lat, lon in rows:
        found.setdefault(city, []).append((lat, lon))
    return found


async def put_on_map(
    conn: AsyncConnection,
    made: Iterator[Client],
    count: int,
    progress: Progress | None = None,
    *,
    with_phones: bool = False,
) -> None:
    """Write clients to geo.client_location, `with_phones` to erp.local_client too; `progress`
    hears clients done and in all."""
    async with conn.transaction():
        await put_clients(
            conn,
            (
                Row(
                    line=n,
                    client_id=client.client_id,
                    lat=client.lat,
                    lon=client.lon,
                    city=client.town,
                    phone=client.phone if with_phones else None,
                )
                for n, client in enumerate(_watched(made, count, progress))
            ),
        )


def _watched(made: Iterator[Client], count: int, progress: Progress | None) -> Iterator[Client]:
    """Pass clients on and tell how far it is."""
    for n, client in enumerate(made, 1):
        yield client
        if progress and (n % 5_000 == 0 or n == count):
            progress(n, count)


def _home(random: Random, town: Town, stations: Sequence[Point]) -> Point:
    """Choose where one client lives, to a metre."""
    near_metro = min(NEAR_METRO, len(stations) * PER_STATION / town.thousands)
    if random.random() < near_metro:
        (lat, lon), spread_m = random.choice(stations), STATION_SPREAD_M
    else:
        lat, lon, spread_m = town.lat, town.lon, 90 * math.sqrt(town.thousands)
    north, east = random.gauss(0, spread_m), random.gauss(0, spread_m)
    per_degree_east = METRES_PER_DEGREE * math.cos(math.radians(lat))
    return round(lat + north / METRES_PER_DEGREE, 5), round(lon + east / per_degree_east, 5)
