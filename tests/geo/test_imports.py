"""Stations and clients from CSV files."""

from pathlib import Path

import pytest
from psycopg import AsyncConnection

from geo.clients import import_clients
from geo.stations import import_stations
from imports.load import BadLine, ImportRefused, ImportReport

REAL = Path(__file__).parents[3] / "shared" / "data" / "metro_stations.csv"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="there is no list of real stations")


def write(folder: Path, text: str, name: str = "points.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def clients(tx: AsyncConnection) -> list[tuple[int, float, float, str | None]]:
    rows = await tx.execute(
        """
        select client_id, st_y(location::geometry), st_x(location::geometry), city
          from geo.client_location
         order by client_id
        """
    )
    return await rows.fetchall()


async def test_clients_are_added_and_moved(tx: AsyncConnection, tmp_path: Path) -> None:
    first = "client_id,lat,lon,city\n1,55.75,37.62,Москва\n2,59.94,30.32,\n3,10,20,Город\n"
    report = await import_clients(tx, write(tmp_path, first))
    assert report == ImportReport(kept=3, changed=3, bad=[])
    second = "client_id,lat,lon\n1,55.75,37.62\n2,60,30\n4,-33.5,151.25\n"
    report = await import_clients(tx, write(tmp_path, second))
    assert report == ImportReport(kept=3, changed=2, bad=[])
    assert await clients(tx) == [
        (1, 55.75, 37.62, "Москва"),
        (2, 60, 30, None),
        (3, 10, 20, "Город"),
        (4, -33.5, 151.25, None),
    ]


async def zones(tx: AsyncConnection) -> list[str | None]:
    """The clients' time zones by client_id."""
    rows = await tx.execute(
        """
        select z.name
          from geo.client_location as c
          left join sms.time_zone as z using (zone_id)
         order by c.client_id
        """
    )
    return [name for (name,) in await rows.fetchall()]


async def test_a_client_gets_the_time_zone_of_its_point(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    places = {
        "55.75,37.62": "Europe/Moscow",
        "54.71,20.51": "Europe/Kaliningrad",
        "62.03,129.73": "Asia/Yakutsk",
        "53.16,158.65": "Asia/Kamchatka",
        "52.52,13.40": "Europe/Berlin",
        "70.0,-40.0": "America/Nuuk",
        "45.0,-30.0": None,  # at sea
        "-90,0": "Antarctica/McMurdo",
    }
    lines = "".join(f"{n},{place}\n" for n, place in enumerate(places))
    await import_clients(tx, write(tmp_path, "client_id,lat,lon\n" + lines))
    assert await zones(tx) == list(places.values())


async def test_a_client_that_moves_changes_its_zone_and_an_old_row_gets_one(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await import_clients(tx, write(tmp_path, "client_id,lat,lon\n1,55.75,37.62\n2,55.75,37.62\n"))
    await tx.execute("update geo.client_location set zone_id = null where client_id = 2")
    moved = write(tmp_path, "client_id,lat,lon\n1,62.03,129.73\n2,55.75,37.62\n")
    assert (await import_clients(tx, moved)).changed == 2
    assert await zones(tx) == ["Asia/Yakutsk", "Europe/Moscow"]


async def test_a_zone_that_the_server_does_not_know_stays_open(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await tx.execute("update sms.time_zone set name = 'Asia/Elsewhere' where name = 'Asia/Yakutsk'")
    report = await import_clients(tx, write(tmp_path, "client_id,lat,lon\n1,62.03,129.73\n"))
    assert (report.kept, report.bad) == (1, [])
    assert await zones(tx) == [None]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffclient_id;lat;lon;city\r\n7;55,75;37,62;Москва\r\n",
        "City, Lat ,LON,note,client_id\nМосква,55.75,37.62,x,7",
        'client_id,lat,lon,city\n"7","55.75","37.62","Москва"\n\n',
        "client_id,lat,lon,city\n 7 , 55.75 ,37.62,  Москва \n",
    ],
)
async def test_files_as_spreadsheets_write_them(
    tx: AsyncConnection, tmp_path: Path, text: str
) -> None:
    report = await import_clients(tx, write(tmp_path, text))
    assert report == ImportReport(kept=1, changed=1, bad=[])
    assert await clients(tx) == [(7, 55.75, 37.62, "Москва")]


async def test_bad_rows_are_named_and_good_ones_kept(tx: AsyncConnection, tmp_path: Path) -> None:
    rows = {
        "1,55.75,37.62,Москва": None,
        "2,55.75": "2 fields instead of 4",
        "3,55.75,37.62,Москва,x": "5 fields instead of 4",
        "x,55.75,37.62,": "client_id is not a whole number of 64 bits: 'x'",
        "1.0,55.75,37.62,": "client_id is not a whole number of 64 bits: '1.0'",
        "9223372036854775808,55,37,": (
            "client_id is not a whole number of 64 bits: '9223372036854775808'"
        ),
        "٣,55,37,": "client_id is not a whole number of 64 bits: '٣'",
        "4,,37.62,": "lat is not a number: ''",
        "5,nan,37.62,": "lat is not a number: 'nan'",
        "6,55.75,1e2,": "lon is not a number: '1e2'",
        "7,91,37.62,": "lat is outside -90..90: 91",
        "8,55.75,-180.5,": "lon is outside -180..180: -180.5",
        "9,0,0.0,": "lat and lon are both 0, which is no address",
        '10,55.75,37.62,"Моск': "broken quotes: unexpected end of data",
        f"11,55.75,37.62,{'я' * 201}": "city is longer than 200 characters",
        "12,55.75,37.62,a\0b": "city holds a NUL character",
        "13,55.75,37.62,Тверь": None,
    }
    text = "client_id,lat,lon,city\n" + "\n".join(rows)
    report = await import_clients(tx, write(tmp_path, text))
    expected = [
        BadLine(line=number, reason=reason)
        for number, reason in enumerate(rows.values(), 2)
        if reason
    ]
    assert report == ImportReport(kept=2, changed=2, bad=expected)
    assert [client_id for client_id, *_ in await clients(tx)] == [1, 13]


async def test_a_line_that_is_not_utf_8(tx: AsyncConnection, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(b"client_id,lat,lon,city\n1,1,1," + b"\xcc\n2,2,2,ok\n")
    report = await import_clients(tx, path)
    assert report == ImportReport(kept=1, changed=1, bad=[BadLine(line=2, reason="not UTF-8")])


async def test_of_two_rows_about_one_client_the_later_counts(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    text = "client_id,lat,lon\n1,10,10\n2,5,5\n1,20,20\n1,30,30\n"
    report = await import_clients(tx, write(tmp_path, text))
    reason = "line 5 tells about the same again"
    assert report == ImportReport(
        kept=2, changed=2, bad=[BadLine(line=2, reason=reason), BadLine(line=4, reason=reason)]
    )
    assert await clients(tx) == [(1, 30, 30, None), (2, 5, 5, None)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"points\.csv is empty\."),
        (
            "1,55.75,37.62\n",
            r"the header lacks client_id, lat, lon; expected client_id,lat,lon,city",
        ),
        ("client_id,lat\n1,2\n", "the header lacks lon"),
    ],
)
async def test_a_file_without_the_columns_is_refused(
    tx: AsyncConnection, tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        await import_clients(tx, write(tmp_path, text))


@pytest.mark.parametrize("name", ["missing.csv", "."])
async def test_a_file_that_is_none(tx: AsyncConnection, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefused, match="cannot be read"):
        await import_stations(tx, tmp_path / name)


async def test_progress_reaches_the_end_of_the_file(tx: AsyncConnection, tmp_path: Path) -> None:
    lines = "".join(f"{n},55.{n:05},37.5\n" for n in range(12_000))
    path = write(tmp_path, "client_id,lat,lon\n" + lines)
    seen: list[int] = []
    report = await import_clients(tx, path, lambda done, total: seen.append(done * 100 // total))
    assert report.kept == 12_000
    assert seen == sorted(seen)
    assert len(seen) >= 3
    assert seen[-1] == 100


async def test_stations_are_added_and_moved(tx: AsyncConnection, tmp_path: Path) -> None:
    await tx.execute("delete from geo.metro_station")
    first = "city,line,name_ru,name_en,lat,lon\nПермь,Первая,Речная,River,58.0,56.2\n"
    assert await import_stations(tx, write(tmp_path, first)) == ImportReport(kept=1, changed=1)
    second = (
        "city;line;name;lat;lon\nПермь;Первая;Речная;58.01;56.2\nПермь;Вторая;Речная;58;56\n"
        ";Вторая;Лесная;58;56\nПермь;Вторая; ;58;56\nПермь;Вторая;Лесная;58;456\n"
    )
    assert await import_stations(tx, write(tmp_path, second)) == ImportReport(
        kept=2,
        changed=2,
        bad=[
            BadLine(line=4, reason="the city is empty"),
            BadLine(line=5, reason="the name is empty"),
            BadLine(line=6, reason="lon is outside -180..180: 456"),
        ],
    )
    rows = await tx.execute(
        "select line, st_y(location::geometry) from geo.metro_station order by 1"
    )
    assert await rows.fetchall() == [("Вторая", 58), ("Первая", 58.01)]
    assert await import_stations(tx, write(tmp_path, second.replace(" ", "x"))) == ImportReport(
        kept=3,
        changed=1,
        bad=[
            BadLine(line=4, reason="the city is empty"),
            BadLine(line=6, reason="lon is outside -180..180: 456"),
        ],
    )


@needs_real
async def test_what_we_typed_from_memory_lies_where_a_real_list_has_it(tx: AsyncConnection) -> None:
    await tx.execute("create temp table typed on commit drop as select * from geo.metro_station")
    report = await import_stations(tx, REAL)
    assert report.bad == []
    assert report.kept > 350
    rows = await tx.execute(
        """
        select count(*), max(st_distance(t.location, s.location))
          from typed as t
          join geo.metro_station as s using (station_id)
         where s.location <> t.location
        """
    )
    [(known, furthest_m)] = await rows.fetchall()
    assert known > 80
    assert furthest_m < 400


async def erp_clients(tx: AsyncConnection) -> list[tuple[object, ...]]:
    rows = await tx.execute(
        "select client_id, phone, city, time_zone, attributes from erp.client order by client_id"
    )
    return await rows.fetchall()


async def test_without_phones_the_erps_clients_are_left_alone(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    await import_clients(tx, write(tmp_path, "client_id,lat,lon,name\n1,55.75,37.62,Анна\n"))
    assert await erp_clients(tx) == []


async def test_with_phones_clients_come_and_change_and_keep_what_is_empty(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    header = "client_id,lat,lon,city,phone,time_zone,name,birthday\n"
    first = header + "1,55.75,37.62,Москва,89070000001,Europe/Moscow,Анна,1990-05-01\n"
    first += "2,,,Омск,89070000002,,Пётр,\n3,59.94,30.32,,,,Нина,\n"
    report = await import_clients(tx, write(tmp_path, first))
    assert report == ImportReport(kept=3, changed=3, bad=[])
    second = header + "1,,,,89070000009,,Анна Б.,\n2,54.99,73.37,,89070000002,,,\n"
    report = await import_clients(tx, write(tmp_path, second))
    assert report == ImportReport(kept=2, changed=2, bad=[])
    report = await import_clients(tx, write(tmp_path, second))
    assert report == ImportReport(kept=2, changed=0, bad=[])
    assert await erp_clients(tx) == [
        (1, "89070000009", "Москва", "Europe/Moscow",
         {"name": "Анна Б.", "birthday": "1990-05-01"}),
        (2, "89070000002", "Омск", None, {"name": "Пётр"}),
    ]  # fmt: skip
    assert [client[0] for client in await clients(tx)] == [1, 2, 3]


async def test_bad_rows_with_phones_are_told(tx: AsyncConnection, tmp_path: Path) -> None:
    text = "client_id,lat,lon,phone,time_zone\n1,,,,\n2,55,,1,\n3,,,1,Mars/Base\nx,,,1,\n4,,,1,\n"
    report = await import_clients(tx, write(tmp_path, text))
    assert (report.kept, [line.line for line in report.bad]) == (1, [2, 3, 4, 5])
    assert "no IANA zone" in report.bad[2].reason
