"""Audiences by place, and what reading a phone costs."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import LiteralString

import psycopg

from bench.lab import Lab
from geo.generate import clients, put_on_map, stations
from outbox.db import connect

STATIONS = """
    select s.name
      from geo.metro_station as s
     group by s.name
    having count(distinct s.city) = 1
     order by s.name
     limit 10
"""
RADIUS_M = 1000
PHONES = 300_000


def settle_clients(lab: Lab) -> None:
    """Clients around real towns, in a metro city mostly around its stations."""
    asyncio.run(_settle(lab.dsn, lab.sizes.clients))
    with lab.connect() as conn:
        conn.execute("vacuum analyze geo.client_location")


async def _settle(dsn: str, count: int) -> None:
    async with await connect(dsn, name="bench") as conn:
        await put_on_map(conn, clients(count, 1, await stations(conn)), count)


def radius_audience(lab: Lab) -> None:
    """Clients within a kilometre of a station, warm: the median over some stations."""
    times: list[float] = []
    found = 0
    with lab.connect() as conn:
        names = [name for (name,) in conn.execute(STATIONS)]
        for station in names:
            for is_warm in (False, True):
                start = time.perf_counter()
                row = conn.execute(
                    "select count(*) from geo.clients_near(%s, %s)", (station, RADIUS_M)
                ).fetchone()
                if is_warm and row is not None:
                    times.append((time.perf_counter() - start) * 1000)
                    found += row[0]
    lab.note("radius.ms", statistics.median(times))
    lab.note("radius.found", found / len(names))


def read_phones(lab: Lab) -> None:
    """CPU of sms.normalize_msisdn a row, on one in a hundred dirty spellings among plain ones."""
    with lab.connect() as conn:
        conn.execute(
            """
            create temp table phones as
            select case when n %% 100 = 0 then 'тел. ' || p.phone || ' доб. 12'
                        else p.phone end as phone
              from generate_series(1, %s) as n
              cross join lateral (select bench.spelled(bench.number(n), n) as phone) as p
            """,
            (PHONES,),
        )
        conn.execute("select count(phone) from phones")
        base = _seconds(conn, "select count(length(phone)) from phones")
        read = _seconds(conn, "select count(sms.normalize_msisdn(phone)) from phones")
    lab.note("phones.us", (read - base) * 1e6 / PHONES)


def _seconds(conn: psycopg.Connection, query: LiteralString) -> float:
    start = time.process_time_ns(), time.perf_counter()
    conn.execute(query)
    return time.perf_counter() - start[1]
