"""geo.clients_near: who lives within a radius of a metro station."""

import math
from random import Random

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.geo.great_circle import distance_m as great_circle_m

KIEVSKAYA = [(55.743, 37.564), (55.743, 37.565), (55.744, 37.567)]


async def put_client(tx: AsyncConnection, client_id: int, lat: float, lon: float) -> None:
    await tx.execute(
        """
        insert into geo.client_location (client_id, location)
        values (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)
        """,
        (client_id, lon, lat),
    )


async def put_station(
    tx: AsyncConnection, city: str, line: str, name: str, lat: float, lon: float
) -> None:
    await tx.execute(
        """
        insert into geo.metro_station (city, line, name, location)
        values (%s, %s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)
        """,
        (city, line, name, lon, lat),
    )


async def near(
    tx: AsyncConnection, station: str | None, radius_m: float | None = 1000
) -> list[int]:
    rows = await tx.execute("select client_id from geo.clients_near(%s, %s)", (station, radius_m))
    return [client_id for (client_id,) in await rows.fetchall()]


async def refusal(
    tx: AsyncConnection, station: str | None, radius_m: float | None
) -> psycopg.Error:
    """Expect an error, and leave the transaction usable."""
    with pytest.raises(psycopg.Error) as caught:
        async with tx.transaction():
            await near(tx, station, radius_m)
    return caught.value


@pytest.mark.parametrize("radius_m", [150, 1_000, 4_000])
async def test_agrees_with_great_circles_counted_one_by_one(
    tx: AsyncConnection, radius_m: float
) -> None:
    random = Random(7)
    homes = {
        n: (55.744 + random.gauss(0, 0.02), 37.566 + random.gauss(0, 0.03)) for n in range(3_000)
    }
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into geo.client_location (client_id, location)
            values (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)
            """,
            [(n, lon, lat) for n, (lat, lon) in homes.items()],
        )
    expected = {n: min(great_circle_m(home, s) for s in KIEVSKAYA) for n, home in homes.items()}
    rows = await tx.execute(
        "select client_id, distance_m from geo.clients_near('Киевская', %s)", (radius_m,)
    )
    found: dict[int, float] = dict(await rows.fetchall())
    # The earth is not quite a sphere: a great circle is at most 0.6 % off.
    assert {n for n, m in expected.items() if m < radius_m * 0.994} <= set(found)
    assert set(found) <= {n for n, m in expected.items() if m < radius_m * 1.006}
    assert len(found) > 3
    for n, metres in found.items():
        assert metres == pytest.approx(expected[n], rel=0.006)
    assert list(found.values()) == sorted(found.values())


async def test_the_radius_is_a_kilometre_unless_said(tx: AsyncConnection) -> None:
    await put_client(tx, 1, 59.949, 30.235 + 0.0177)  # 990 m east of Приморская
    await put_client(tx, 2, 59.949, 30.235 + 0.0183)  # 1,024 m
    rows = await tx.execute("select client_id from geo.clients_near('Приморская')")
    assert await rows.fetchall() == [(1,)]


async def test_a_client_near_two_lines_comes_once_with_the_nearer(tx: AsyncConnection) -> None:
    await put_client(tx, 1, 55.744, 37.567)
    rows = await tx.execute("select client_id, distance_m from geo.clients_near('Киевская', 500)")
    assert await rows.fetchall() == [(1, 0)]


@pytest.mark.parametrize(
    "name",
    ["Чёрная речка", "черная  РЕЧКА", " метро Чёрная речка ", "м. Черная речка", "м.чёрная речка",
     "станция метро «Чёрная речка»", "Санкт-Петербург: Чёрная речка",
     "г. Санкт-Петербург:чёрная речка", "Чёрная речка (Московско-Петроградская)"],
)  # fmt: skip
async def test_names_are_found_as_people_write_them(tx: AsyncConnection, name: str) -> None:
    await put_client(tx, 1, 59.985, 30.301)
    assert await near(tx, name) == [1]


async def test_short_forms_within_names(tx: AsyncConnection) -> None:
    await put_client(tx, 1, 55.752, 37.610)
    assert await near(tx, "Библиотека им. Ленина", 100) == [1]


async def test_a_name_in_several_cities_must_be_made_clear(tx: AsyncConnection) -> None:
    error = await refusal(tx, "Спортивная", 1000)
    assert (error.sqlstate, error.diag.message_hint) == (
        "SM011",
        "Write one of: Москва: Спортивная, Санкт-Петербург: Спортивная.",
    )
    await put_client(tx, 1, 55.723, 37.564)
    await put_client(tx, 2, 59.952, 30.291)
    assert await near(tx, "Москва: Спортивная") == [1]
    assert await near(tx, "санкт-петербург: спортивная") == [2]


async def test_unrelated_places_of_one_name_must_be_made_clear(tx: AsyncConnection) -> None:
    await put_station(tx, "Москва", "Новая", "Спортивная", 55.90, 37.90)
    error = await refusal(tx, "Москва: Спортивная", 1000)
    assert (error.sqlstate, error.diag.message_hint) == (
        "SM011",
        "Name the line: Москва: Спортивная (Новая), Москва: Спортивная (Сокольническая).",
    )
    await put_client(tx, 1, 55.90, 37.90)
    assert await near(tx, "Москва: Спортивная (Новая)") == [1]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Киевсая", "Москва: Киевская"), ("Сена площадь", "Санкт-Петербург: Сенная площадь"),
     ("Казань: Кузьминки", "Москва: Кузьминки")],
)  # fmt: skip
async def test_an_unknown_station_is_an_error_with_those_alike(
    tx: AsyncConnection, typed: str, meant: str
) -> None:
    error = await refusal(tx, typed, 1000)
    assert error.sqlstate == "SM010"
    assert typed in (error.diag.message_primary or "")
    assert (error.diag.message_hint or "").startswith(f"Do you mean {meant}")


@pytest.mark.parametrize("typed", ["", None, ":", "%", "'; drop table geo.metro_station; --", "12"])
async def test_no_station_at_all(tx: AsyncConnection, typed: str | None) -> None:
    error = await refusal(tx, typed, 1000)
    assert (error.sqlstate, error.diag.message_hint) == (
        "SM010",
        "Names are written as in geo.metro_station.",
    )


async def test_a_closed_station_says_so(tx: AsyncConnection) -> None:
    await tx.execute(
        "update geo.metro_station set closed_at = '2025-03-01' where name = 'Чёрная речка'"
    )
    error = await refusal(tx, "Чёрная речка", 1000)
    assert (error.sqlstate, error.diag.message_hint) == ("SM010", "It is closed since 2025-03-01.")


async def test_without_stations_the_hint_tells_where_they_come_from(tx: AsyncConnection) -> None:
    await tx.execute("delete from geo.metro_station")
    error = await refusal(tx, "Киевская", 1000)
    assert "outbox import stations FILE" in (error.diag.message_hint or "")


@pytest.mark.parametrize("radius_m", [0, -1, 50_001, math.nan, math.inf, None])
async def test_a_radius_that_makes_no_sense(tx: AsyncConnection, radius_m: float | None) -> None:
    error = await refusal(tx, "Киевская", radius_m)
    assert error.sqlstate == "SM012"
    assert "between 0 and 50,000 m" in (error.diag.message_primary or "")


async def test_the_plan_uses_the_index_even_if_made_while_the_table_was_empty(
    tx: AsyncConnection,
) -> None:
    plans: list[str] = []
    tx.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
    for setting in (
        "load 'auto_explain'",
        "set local auto_explain.log_min_duration = 0",
        "set local auto_explain.log_nested_statements = on",
        "set local client_min_messages = log",
        "set local plan_cache_mode = force_generic_plan",
    ):
        await tx.execute(setting.encode())
    assert await near(tx, "Киевская") == []
    await tx.execute(
        """
        insert into geo.client_location (client_id, location)
        select n, st_setsrid(st_makepoint(37.5 + n % 200 * 0.001, 55.7 + n / 200 * 0.001),
                             4326)::geography
          from generate_series(1, 20000) as n
        """
    )
    plans.clear()
    assert len(await near(tx, "Киевская")) > 100
    [plan] = [p for p in plans if "st_dwithin" in p and "client_location" in p]
    assert "Index Scan using client_location_location" in plan
    assert "Seq Scan on client_location" not in plan
