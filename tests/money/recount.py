"""The plain way to count: every message read, every sum made in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from tests.support.factory import rows

MOSCOW = ZoneInfo("Europe/Moscow")
QUEUED = ("pending", "inflight")
Key = tuple[Any, ...]


async def told_by_messages(conn: AsyncConnection, *, by_day: bool) -> Counter[Key]:
    """Messages, segments and ten-thousandths of money by hour or day and all that sums know."""
    found = await rows(
        conn,
        """
        select sms.id_time(m.id) as drawn_at, m.channel, m.provider, m.operator, m.state,
               m.reason, m.campaign_id,
               case when m.submitted_at is not null then m.segments end as segments, m.cost
          from sms.message as m
        """,
    )
    counted: Counter[Key] = Counter()
    for row in found:
        if row["state"] in QUEUED:
            continue
        key = (
            _cut(row["drawn_at"], by_day=by_day),
            row["channel"],
            row["provider"],
            row["operator"],
            row["state"],
            row["reason"],
            row["campaign_id"],
        )
        counted[(*key, "messages")] += 1
        counted[(*key, "segments")] += row["segments"] or 0
        counted[(*key, "cost")] += int((row["cost"] or 0) * 10_000)
    return +counted


async def told_by_sums(conn: AsyncConnection, *, by_day: bool) -> Counter[Key]:
    """The same from sms.stat_hour or sms.stat_day."""
    hours = """
        select s.hour as at, c.channel, p.provider, o.operator, s.state,
               nullif(s.reason, '') as reason, nullif(s.campaign_id, 0) as campaign_id,
               s.messages, s.segments, s.cost
          from sms.stat_hour as s
          join sms.channel as c using (channel_id)
          left join sms.provider as p using (provider_id)
          left join sms.operator as o using (operator_id)
    """
    days = hours.replace("s.hour as at", "s.day as at").replace("stat_hour", "stat_day")
    counted: Counter[Key] = Counter()
    for row in await rows(conn, days if by_day else hours):
        at = row["at"] if by_day else row["at"].astimezone(MOSCOW)
        key = (
            at,
            row["channel"],
            row["provider"],
            row["operator"],
            row["state"],
            row["reason"],
            row["campaign_id"],
        )
        counted[(*key, "messages")] += row["messages"]
        counted[(*key, "segments")] += row["segments"]
        counted[(*key, "cost")] += int(row["cost"] * 10_000)
    return +counted


def _cut(at: datetime, *, by_day: bool) -> Any:
    local = at.astimezone(MOSCOW)
    return local.date() if by_day else local.replace(minute=0, second=0, microsecond=0)


def differences(one: Counter[Key], other: Counter[Key]) -> Sequence[tuple[Key, int, int]]:
    """Where two counts disagree."""
    return [
        (key, one[key], other[key]) for key in one.keys() | other.keys() if one[key] != other[key]
    ]
