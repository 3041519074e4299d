"""What the calls about statistics and money answer, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyVolume:
    """What went to a provider on a day, by channel and operator; `cost` in the own currency."""

    day: date
    channel: str
    category: str
    priority: int
    operator: str
    provider: str
    messages: int
    segments: int
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One tariff in the own currency; None means every operator, every category, or open."""

    provider: str
    operator: str | None
    category: str | None
    from_segments: int
    price: Decimal
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A day that is not as its weekday: `off` or `working`."""

    day: date
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCampaign:
    """A campaign that never ran; `recipients` None where its audience could not be read."""

    campaign: str
    channel: str
    starts_at: datetime
    cron: str | None
    cron_zone: str | None
    ends_at: datetime | None
    recipients: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """One line of a forecast, as sms.forecast keeps it."""

    month: date
    scenario: str
    channel: str
    provider: str
    messages: float
    low: float
    high: float
    segments: float
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """Messages of some days by what was asked for; dimensions that were not are None."""

    month: date | None
    day: date | None
    channel: str | None
    category: str | None
    campaign: str | None
    template: str | None
    provider: str | None
    operator: str | None
    state: str | None
    reason: str | None
    messages: int
    segments: int
    cost: Decimal
    accepted: int
    delivered: int
    delivery_share: Decimal | None
    p50: timedelta | None
    p95: timedelta | None
    p99: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourDelivered:
    """What was handed over and what arrived in one hour of a day, 0 to 23."""

    day: date
    hour: int
    accepted: int
    delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstHour:
    """An hour in which little arrived; without zone: that of setting statistics_zone."""

    hour: datetime
    accepted: int
    delivered: int
    delivery_share: Decimal
    p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthMoney:
    """A provider's money of a month against the plan; None where there was no plan, or no bill."""

    provider: str
    messages: int
    segments: int
    segments_cost: Decimal
    fees: Decimal
    cost: Decimal
    billed: Decimal | None
    planned_messages: Decimal | None
    planned_cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEffect:
    """What a goal says of a campaign; uplift, low and high are None without a holdout."""

    goal: str
    campaign: str | None
    clients: int
    messages: int
    converted: int
    conversion_rate: Decimal
    revenue: Decimal
    cost: Decimal
    revenue_per_unit: Decimal | None
    uplift: Decimal | None
    low: Decimal | None
    high: Decimal | None
    verdict: str | None
