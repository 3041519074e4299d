"""What the SQL functions answer about templates and audiences; field names are column names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRow:
    """A template with its newest version; `body` is None where it has none yet."""

    template: str
    title: str
    version_no: int | None
    body: str | None
    variables: dict[str, Any] | None
    note: str | None
    created_at: datetime | None
    created_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFinding:
    """One finding about a text. `topic`: variable, problem, text, encoding, double, forces_ucs2,
    room, over, price (`key`: the operator), cheaper, changes."""

    topic: str
    key: str | None
    text: str | None
    units: int | None
    segments: int | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceRow:
    """A saved audience; `planned_cost` is in the planner's units."""

    audience: str
    title: str
    query: str
    columns: list[str]
    planned_cost: float
    version_no: int
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceFinding:
    """One finding about an audience. `topic`: total, unusable (`key`: the reason), extent,
    segments (by operator and zone), sample (`key`: the client)."""

    topic: str
    key: str | None
    people: int
    segments: int | None
    detail: dict[str, Any]
