"""How the demo ends: the report, one explained message, the map, and whether all adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo import scene
from demo.picture import Dot
from outbox import calls
from outbox.rows import ReportLine
from outbox.terminal import one_line

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
UNTIL = datetime(2080, 1, 1, tzinfo=UTC)
# 'pending' too: a message may still wait because the rules or the ERP said so.
SETTLED = {"pending", "suppressed", "cancelled", "delivered", "undelivered", "expired", "rejected"}
TITLES = ("messages", "segments", "cost, RUB", "to provider p50", "p95", "to phone p50", "p95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What must agree at the end."""

    asked: int
    reported: int
    unaccounted: int
    submitted: int
    at_smsc: int
    unfinished: int

    def faults(self) -> list[str]:
        """Say in sentences what is not as it must be; empty when every row is accounted for."""
        found = []
        if self.asked != self.reported or self.unaccounted:
            found.append(
                f"{self.asked} rows were asked for, {self.reported} are in the report, "
                f"{self.unaccounted} are not in exactly one place."
            )
        if self.submitted != self.at_smsc:
            found.append(
                f"{self.submitted} messages were handed over, but the SMSC saw {self.at_smsc}."
            )
        if self.unfinished:
            found.append(f"{self.unfinished} messages have no final state.")
        return found


async def lines(conn: AsyncConnection) -> list[ReportLine]:
    """Report everything in the demo's database."""
    return await calls.report(conn, start=SINCE, until=UNTIL)


async def count(conn: AsyncConnection, report: Sequence[ReportLine], at_smsc: int) -> Count:
    """Count the rows asked for, those reported, and the messages the SMSC itself logged."""
    cursor = await conn.execute(
        """
        select (select count(*) from sms.outbox),
               (select count(*) from sms.outcome where submitted_at is not null),
               (select count(*) from sms.pending where not_before <= clock_timestamp())
        """
    )
    asked, submitted, due = await cursor.fetchone() or (0, 0, 0)
    return Count(
        asked=asked,
        reported=sum(line.messages for line in report),
        unaccounted=await calls.count_unaccounted(conn),
        submitted=submitted,
        at_smsc=at_smsc,
        unfinished=due + sum(line.messages for line in report if line.state not in SETTLED),
    )


def show(console: Console, report: Sequence[ReportLine]) -> None:
    """Print the table of states and reasons with times and money."""
    table = Table("state", "reason", title="\nWhat became of every row", title_justify="left")
    for title in TITLES:
        table.add_column(title, justify="right")
    for line in report:
        times = (line.accept_p50, line.accept_p95, line.final_p50, line.final_p95)
        table.add_row(line.state, line.reason or "", *_figures([line]), *map(_seconds, times))
    table.add_section()
    table.add_row("all", "", *_figures(report))
    console.print(table)


def _figures(report: Sequence[ReportLine]) -> tuple[str, str, str]:
    """Add up messages, segments and money."""
    segments = sum(line.segments for line in report)
    cost = sum(line.cost or 0 for line in report)
    messages = sum(line.messages for line in report)
    return f"{messages:,}", f"{segments:,}" if segments else "", f"{cost:,.2f}" if cost else ""


def _seconds(span: timedelta | None) -> str:
    return "" if span is None else f"{span.total_seconds():.2f} s"


async def show_channels(console: Console, conn: AsyncConnection) -> None:
    """Print how long each channel's messages took: urgent ones must not wait for the campaign."""
    cursor = await conn.execute(
        """
        select m.channel, count(*),
               percentile_cont(0.5) within group (order by m.submitted_at - m.created_at),
               percentile_cont(0.95) within group (order by m.submitted_at - m.created_at)
          from sms.message as m
          join sms.channel as c on c.channel = m.channel
         where m.submitted_at is not null
         group by m.channel, c.priority
         order by c.priority
        """
    )
    table = Table("channel", "handed over", "INSERT to provider p50", "p95")
    for channel, messages, p50, p95 in await cursor.fetchall():
        table.add_row(channel, f"{messages:,}", _seconds(p50), _seconds(p95))
    console.print(table)


async def explain_one(console: Console, conn: AsyncConnection) -> None:
    """Answer "why was this one not sent?" for one suppressed message."""
    cursor = await conn.execute(
        """
        select m.id from sms.message as m
         where m.state = 'suppressed' and m.reason = 'duplicate_ref'
         order by m.id limit 1
        """
    )
    row = await cursor.fetchone()
    if row is None:
        return
    what = f" asks why a message was not sent: outbox explain {row[0]}"
    console.print(Text.assemble("\n", ("Anybody", "bold cyan"), what))
    table = Table(show_header=False, box=None, padding=(0, 2))
    for step in await calls.explain(conn, message_id=row[0]):
        table.add_row(step.topic, step.verdict, one_line(step.detail or ""))
    console.print(table)


async def dots(conn: AsyncConnection) -> tuple[tuple[float, float], list[Dot]]:
    """Find the station and the clients around it, with the state of the campaign's message."""
    cursor = await conn.execute(
        """
        select avg(st_y(s.location::geometry)), avg(st_x(s.location::geometry))
          from geo.metro_station as s
         where s.city || ': ' || s.name = %s
        """,
        (scene.STATION,),
    )
    lat, lon = await cursor.fetchone() or (0.0, 0.0)
    cursor = await conn.execute(
        """
        select st_y(l.location::geometry), st_x(l.location::geometry), m.state
          from geo.client_location as l
          left join sms.message as m on m.client_id = l.client_id and m.campaign_id = 1
         where st_dwithin(l.location, st_point(%s, %s)::geography, %s)
        """,
        (lon, lat, scene.RADIUS_M * 2),
    )
    rows = await cursor.fetchall()
    return (lat, lon), [Dot(lat=lat, lon=lon, state=state) for lat, lon, state in rows]
