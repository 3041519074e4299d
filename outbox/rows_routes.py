"""What the functions about routes, breakers and pins take and answer, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one worker met at one provider in one epoch of its breaker.

    `counts` (accepted, rejected, failed, throttled, unanswered, slow, troubles) and `times` since
    the last report; the others are how it is now. `times[n]` counts answers within 2^n ms, together
    `answered_s` seconds.
    """

    provider: str
    epoch: int
    counts: Mapping[str, int]
    outstanding: int
    overdue: int
    silence_s: float
    failing: int
    failing_s: float
    times: Sequence[int]
    answered_s: float
    max_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one look at the routes moved: breakers, lanes, pins that ended."""

    opened: int
    tried: int
    closed: int
    lanes: int
    unpinned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One route; `operator` None means all lanes of the channel without a route of their own."""

    channel: str
    operator: str | None
    policy: str
    providers: list[str]
    serving: list[str]
    lanes: int
    pinned: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow:
    """A row of the view sms.provider_health: counts of its policy's watch_window."""

    provider: str
    is_enabled: bool
    state: str
    since: datetime
    cause: str | None
    figures: str | None
    openings: int
    retry_at: datetime | None
    workers: int
    ill_votes: int
    sent: int
    accepted: int
    rejected: int
    failed: int
    throttled: int
    unanswered: int
    slow: int
    troubles: int
    outstanding: int
    error_share: float
    throttled_share: float
    silence_s: float
    p95_ms: int | None
    max_ms: int
    lanes: int
    held: int
    pinned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneChange:
    """Who served a lane, who does now, and why; `is_automatic`: nobody did it by hand."""

    at: datetime
    channel: str
    operator: str
    from_provider: str | None
    to_provider: str | None
    cause: str
    is_automatic: bool
    done_by: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChange:
    """One move of a provider's breaker."""

    at: datetime
    provider: str
    from_state: str
    to_state: str
    cause: str | None
    figures: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One change of routing as the webhook is told it."""

    notice_id: int
    payload: dict[str, Any]
