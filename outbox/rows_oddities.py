"""What the SQL functions answer about what should not be; field names are column names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyNumbers:
    """Numbers that somebody keeps locked while their messages are overdue, and the oldest of them:
    masked, how long, by which session."""

    numbers: int
    messages: int
    oldest: str | None
    held_for: timedelta | None
    pid: int | None
    login: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyNumber:
    """A number, masked, or a client that a session keeps locked, and the messages it holds up."""

    number: str | None
    client_id: int | None
    messages: int
    since: datetime
    pid: int
    login: str | None
