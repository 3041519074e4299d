"""Moments that tests name: near enough for the partitions made ahead, far from any month's end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def _next_month() -> datetime:
    this_month = datetime.now(MOSCOW).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (this_month + 40 * DAY).replace(day=1)


def _wednesday() -> datetime:
    tenth = _next_month().replace(day=10)
    return tenth + (2 - tenth.weekday()) % 7 * DAY


# Midnight in Moscow at the start of next month, and a Wednesday between its 10th and 16th.
MONTH = _next_month()
WEDNESDAY = _wednesday()
NOON = WEDNESDAY.replace(hour=12)


def moscow(day: datetime, hour: int, minute: int = 0) -> datetime:
    """The moment at which Moscow's clocks show `hour:minute` on that day."""
    return day.astimezone(MOSCOW).replace(hour=hour, minute=minute, second=0, microsecond=0)


def utc(text: str) -> datetime:
    """The moment written like 2026-03-29 01:30, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
