"""Metro stations from a CSV file into geo.metro_station."""

from collections.abc import Iterator
from pathlib import Path

from psycopg import AsyncConnection

from imports.load import (
    STAGE_STATIONS,
    BadLine,
    ImportReport,
    Layout,
    Progress,
    RowRefused,
    copy_rows,
    point,
    superseded,
    words,
)

LAYOUT = Layout(
    required=("city", "line", "name", "lat", "lon"), aliases={"name_ru": "name", "station": "name"}
)


async def import_stations(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> ImportReport:
    """Add and move stations from a CSV: city, line, name (or name_ru), lat, lon in degrees WGS 84.

    A station is known by city, line and name; those the file does not name stay. Other columns are
    ignored. Raises ImportRefused when the file as a whole cannot be read.
    """
    bad: list[BadLine] = []
    async with conn.transaction():
        await conn.execute("drop table if exists pg_temp.staged_station")
        await conn.execute(
            """
            create temp table staged_station (
                line_no int, city text, line text, name text,
                lat double precision, lon double precision
            ) on commit drop
            """
        )
        await copy_rows(conn, STAGE_STATIONS, _rows(path, bad, progress))
        bad += await superseded(
            conn,
            path,
            """
            select s.line_no, s.later
              from (select t.line_no, max(t.line_no) over w as later from staged_station as t
                    window w as (partition by t.city, t.line, t.name)) as s
             where s.later > s.line_no
            """,
        )
        result = await conn.execute(
            """
            with newest as (
                select distinct on (s.city, s.line, s.name) s.city, s.line, s.name,
                       st_setsrid(st_makepoint(s.lon, s.lat), 4326)::geography as location
                  from staged_station as s
                 order by s.city, s.line, s.name, s.line_no desc
            ), changed as (
                insert into geo.metro_station as m (city, line, name, location)
                select n.city, n.line, n.name, n.location from newest as n
                    on conflict (city, line, name) do update set location = excluded.location
                 where m.location is distinct from excluded.location
                returning 1
            )
            select (select count(*) from newest), (select count(*) from changed)
            """
        )
        [(kept, changed)] = await result.fetchall()
    return ImportReport(kept=kept, changed=changed, bad=sorted(bad, key=lambda b: b.line))


def _rows(
    path: Path, bad: list[BadLine], progress: Progress | None
) -> Iterator[tuple[int, str, str, str, float, float]]:
    """Yield the rows that can be used; the others go to `bad`."""
    for number, row in LAYOUT.read(path, bad, progress):
        try:
            city, name = words(row, "city"), words(row, "name")
            if not (city and name):
                raise RowRefused("the city is empty" if name else "the name is empty")
            yield number, city, words(row, "line"), name, *point(row)
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))
