"""Clients from a CSV file: where they live into geo.client_location, the rest into the ERP's place.

A file with a column `phone` fills erp.local_client too, which erp.client shows where no ERP is
connected.
"""

import json
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

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

LAYOUT = Layout(required=("client_id", "lat", "lon"), optional=("city", "phone", "time_zone"))
KNOWN = {*LAYOUT.required, *LAYOUT.optional}
_ID = re.compile(r"-?[0-9]{1,19}")


class Row(NamedTuple):
    """One client on its way into the database; `attributes` is JSON, kept where there is a phone.

    Without lat and lon it is not on the map.
    """

    line: int
    client_id: int
    lat: float | None
    lon: float | None
    city: str | None = None
    phone: str | None = None
    time_zone: str | None = None
    attributes: str | None = None


async def import_clients(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> ImportReport:
    """Add and move clients from a CSV: client_id, lat, lon in degrees WGS 84, optionally city.

    With a column phone, clients go to erp.local_client as well: phone as it is written, city,
    time_zone (an IANA name), and every further column among the attributes; a row with a phone may
    leave lat and lon empty. Clients the file does not name stay, and so does what it leaves empty.
    The time zone on the map is the point's. Raises ImportRefused when the file as a whole cannot be
    read.
    """
    bad: list[BadLine] = []
    async with conn.transaction():
        kept, changed = await put_clients(conn, _rows(path, bad, progress))
        bad += await superseded(
            conn,
            path,
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
            phone text, time_zone text, attributes jsonb, zone text
        ) on commit drop
        """
    )
    await copy_rows(conn, STAGE_CLIENTS, ((*row, _zone(row)) for row in rows))
    await conn.execute("analyze staged_client")
    result = await conn.execute(
        """
        with newest as materialized (
            select distinct on (s.client_id) s.*
              from staged_client as s
             order by s.client_id, s.line_no desc
        ), moved as (
            insert into geo.client_location as c (client_id, location, city, zone_id)
            select s.client_id, st_setsrid(st_makepoint(s.lon, s.lat), 4326)::geography, s.city,
                   z.zone_id
              from newest as s
              left join sms.time_zone as z on z.name = s.zone
             where s.lat is not null
                on conflict (client_id) do update
               set location = excluded.location, city = coalesce(excluded.city, c.city),
                   zone_id = excluded.zone_id, updated_at = now()
             where c.location is distinct from excluded.location
                or c.city is distinct from coalesce(excluded.city, c.city)
                or c.zone_id is distinct from excluded.zone_id
            returning c.client_id
        ), known as (
            insert into erp.local_client as c (client_id, phone, city, time_zone, attributes)
            select s.client_id, s.phone, s.city, s.time_zone, coalesce(s.attributes, '{}')
              from newest as s
             where s.phone is not null
                on conflict (client_id) do update
               set phone = excluded.phone, city = coalesce(excluded.city, c.city),
                   time_zone = coalesce(excluded.time_zone, c.time_zone),
                   attributes = c.attributes || excluded.attributes
             where c.phone is distinct from excluded.phone
                or c.city is distinct from coalesce(excluded.city, c.city)
                or c.time_zone is distinct from coalesce(excluded.time_zone, c.time_zone)
                or not c.attributes @> excluded.attributes
            returning c.client_id
        )
        select (select count(*) from newest),
               (select count(*) from (select m.client_id from moved as m
                                      union select k.client_id from known as k) as changed)
        """
    )
    [(kept, changed)] = await result.fetchall()
    return kept, changed


def zone_of(*, lat: float, lon: float) -> str | None:
    """The IANA time zone of a point; None at sea, where nobody lives: the point is a mistake."""
    zone = tzfpy.get_tz(lon, lat)
    return None if not zone or zone.startswith("Etc/") else zone


def _zone(row: Row) -> str | None:
    """The zone of a client's point, where it has one."""
    return None if row.lat is None or row.lon is None else zone_of(lat=row.lat, lon=row.lon)


def _rows(path: Path, bad: list[BadLine], progress: Progress | None) -> Iterator[Row]:
    """Yield the rows that can be used; the others go to `bad`."""
    for number, row in LAYOUT.read(path, bad, progress):
        try:
            yield _row(number, row)
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _row(number: int, row: Mapping[str, str]) -> Row:
    """Read one line."""
    client_id, phone = _client_id(row["client_id"]), words(row, "phone") or None
    is_placed = row["lat"].strip() or row["lon"].strip() or phone is None
    lat, lon = point(row) if is_placed else (None, None)
    time_zone = words(row, "time_zone") or None
    if time_zone and time_zone not in zoneinfo.available_timezones():
        raise RowRefused(f"time_zone is no IANA zone: {time_zone[:40]!r}")
    more = {name: words(row, name) for name in row if name and name not in KNOWN}
    return Row(
        line=number,
        client_id=client_id,
        lat=lat,
        lon=lon,
        city=words(row, "city") or None,
        phone=phone,
        time_zone=time_zone,
        attributes=_json({name: text for name, text in more.items() if text}) if phone else None,
    )


def _json(attributes: Mapping[str, str]) -> str:
    return json.dumps(attributes, ensure_ascii=False)


def _client_id(text: str) -> int:
    """Read a client's id, a 64-bit whole number."""
    if not _ID.fullmatch(text.strip()) or not -(2**63) <= int(text) < 2**63:
        raise RowRefused(f"client_id is not a whole number of 64 bits: {text[:40]!r}")
    return int(text)
