"""Where clients live, from a CSV file into geo.client_location."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import tzfpy
from psycopg import AsyncConnection

from imports.load import (
    STAGE_CLIENTS,
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

LAYOUT = Layout(required=("client_id", "lat", "lon"), optional=("city",))
# (line, client_id, lat, lon, city)
Row = tuple[int, int, float, float, str | None]
_ID = re.compile(r"-?[0-9]{1,19}")


async def import_clients(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> ImportReport:
    """Add and move clients from a CSV: client_id, lat, lon in degrees WGS 84, optionally city.

    Clients the file does not name stay, and so does the city of those for whom it gives none. The
    time zone becomes the point's. Other columns are ignored. Raises ImportRefused when the file as
    a whole cannot be read.
    """
    bad: list[BadLine] = []
    async with conn.transaction():
        kept, changed = await put_clients(conn, _rows(path, bad, progress))
        bad += await superseded(
            conn,
            """
            select s.line_no, s.later
              from (select t.line_no, max(t.line_no) over w as later from staged_client as t
                    window w as (partition by t.client_id)) as s
             where s.later > s.line_no
            """,
        )
    return ImportReport(kept=kept, changed=changed, bad=sorted(bad, key=lambda b: b.line))


async def put_clients(conn: AsyncConnection, rows: Iterable[Row]) -> tuple[int, int]:
    """Put clients on the map inside the caller's transaction; tell how many, and how many differ.

    Of several rows of one client the one with the highest line counts. The rows stay readable in
    the temporary table staged_client until the transaction ends.
    """
    await conn.execute("drop table if exists pg_temp.staged_client")
    await conn.execute(
        """
        create temp table staged_client (
            line_no int, client_id bigint, lat double precision, lon double precision, city text,
            zone text
        ) on commit drop
        """
    )
    await copy_rows(conn, STAGE_CLIENTS, ((*row, zone_of(lat=row[2], lon=row[3])) for row in rows))
    await conn.execute("analyze staged_client")
    result = await conn.execute(
        """
        with changed as (
            insert into geo.client_location as c (client_id, location, city, zone_id)
            select distinct on (s.client_id) s.client_id,
                   st_setsrid(st_makepoint(s.lon, s.lat), 4326)::geography, s.city, z.zone_id
              from staged_client as s
              left join sms.time_zone as z on z.name = s.zone
             order by s.client_id, s.line_no desc
                on conflict (client_id) do update
               set location = excluded.location, city = coalesce(excluded.city, c.city),
                   zone_id = excluded.zone_id, updated_at = now()
             where c.location is distinct from excluded.location
                or c.city is distinct from coalesce(excluded.city, c.city)
                or c.zone_id is distinct from excluded.zone_id
            returning 1
        )
        select (select count(distinct s.client_id) from staged_client as s),
               (select count(*) from changed)
        """
    )
    [(kept, changed)] = await result.fetchall()
    return kept, changed


def zone_of(*, lat: float, lon: float) -> str | None:
    """The IANA time zone of a point; None at sea, where nobody lives: the point is a mistake."""
    zone = tzfpy.get_tz(lon, lat)
    return None if not zone or zone.startswith("Etc/") else zone


def _rows(path: Path, bad: list[BadLine], progress: Progress | None) -> Iterator[Row]:
    """Yield the rows that can be used; the others go to `bad`."""
    for number, row in LAYOUT.read(path, bad, progress):
        try:
            yield number, _client_id(row["client_id"]), *point(row), words(row, "city") or None
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _client_id(text: str) -> int:
    """Read a client's id, a 64-bit whole number."""
    if not _ID.fullmatch(text.strip()) or not -(2**63) <= int(text) < 2**63:
        raise RowRefused(f"client_id is not a whole number of 64 bits: {text[:40]!r}")
    return int(text)
