"""Made-up clients: where they live, and that nobody real has their phones."""

from collections import Counter
from math import gcd
from pathlib import Path

import phonenumbers
import pytest
from psycopg import AsyncConnection

from geo.generate import PHONES, STRIDE, UNHELD_CODES, clients, put_on_map, stations
from geo.numbering import read_numbering
from geo.towns import TOWNS
from outbox.msisdn import normalize

REAL = Path(__file__).parents[3] / "shared" / "data" / "def_9xx.csv.gz"


def test_the_same_seed_makes_the_same_clients() -> None:
    assert list(clients(200, 1)) == list(clients(200, 1))
    assert [c.phone for c in clients(200, 1)] != [c.phone for c in clients(200, 2)]


def test_phones_are_mobile_distinct_and_in_unheld_codes() -> None:
    made = list(clients(30_000, 3))
    assert len({c.phone for c in made}) == len(made)
    assert {int(c.phone[2:5]) for c in made} <= set(UNHELD_CODES)
    for client in made[:200]:
        assert normalize(client.phone) == int(client.phone)
        assert phonenumbers.is_valid_number(phonenumbers.parse(client.phone))


def test_no_phone_comes_twice_however_many_are_made() -> None:
    assert gcd(STRIDE, PHONES) == 1


@pytest.mark.skipif(not REAL.exists(), reason="there is no copy of the registry")
def test_nobody_holds_the_codes() -> None:
    held = {r.lo // 10**7 - 7_000 for r in read_numbering(REAL, [])}
    assert not held & set(UNHELD_CODES)


def test_towns_come_in_proportion_to_their_people() -> None:
    count = 20_000
    made = Counter(c.town for c in clients(count, 5))
    everybody = sum(town.thousands for town in TOWNS)
    for town in TOWNS[:5]:
        assert made[town.name] == pytest.approx(count * town.thousands / everybody, rel=0.15)


def test_clients_live_in_their_town_and_zone() -> None:
    town_of = {town.name: town for town in TOWNS}
    for client in clients(5_000, 8):
        town = town_of[client.town]
        assert client.zone == town.zone
        assert abs(client.lat - town.lat) < 0.6
        assert abs(client.lon - town.lon) < 1.2


def test_too_many_clients_is_an_error() -> None:
    with pytest.raises(ValueError, match="clients"):
        next(clients(PHONES + 1, 1))


async def test_every_zone_of_a_town_is_one_the_server_knows(tx: AsyncConnection) -> None:
    rows = await tx.execute("select name from sms.time_zone")
    assert {town.zone for town in TOWNS} <= {name for (name,) in await rows.fetchall()}


async def test_clients_are_put_on_the_map_around_stations(tx: AsyncConnection) -> None:
    seen: list[tuple[int, int]] = []
    near = {"Москва": [(55.9, 37.4)] * 400}
    assert len((await stations(tx))["Москва"]) > 30
    made = clients(6_000, 11, near)
    await put_on_map(tx, made, 6_000, lambda done, total: seen.append((done, total)))
    assert seen == [(5_000, 6_000), (6_000, 6_000)]
    rows = await tx.execute(
        """
        select count(*), count(*) filter (where c.city = 'Москва'),
               count(*) filter (where st_dwithin(c.location, 'POINT(37.4 55.9)', 1800))
          from geo.client_location as c
        """
    )
    [(everybody, in_moscow, near_metro)] = await rows.fetchall()
    assert everybody == 6_000
    assert near_metro > 0.5 * in_moscow > 500
