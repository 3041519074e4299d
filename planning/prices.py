"""What a month's segments cost by the tariffs that will hold then, volume steps included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from planning.backtest import next_month


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A tariff's row, in the own currency; None means every operator or category. `until` None is
    open, and so is `since`."""

    provider: str
    operator: str | None
    category: str | None
    from_segments: int
    price: float
    since: date | None
    until: date | None

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What goes from a channel to an operator in a month."""

    channel: str
    category: str
    priority: int
    operator: str


Scope = tuple[str | None, str | None]  # operator, category


@dataclass(frozen=True, slots=True)
class PriceList:
    """All tariffs, asked by month."""

    prices: Sequence[Price]
    _by_provider: dict[str, list[Price]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for price in self.prices:
            self._by_provider.setdefault(price.provider, []).append(price)

    @property
    def providers(self) -> list[str]:
        return sorted(self._by_provider)

    def scope(self, provider: str, operator: str, category: str, day: date) -> Scope | None:
        """The most specific scope that has a tariff on that day, as sms.segment_price picks it."""
        scopes: list[Scope] = [
            (operator, category),
            (operator, None),
            (None, category),
            (None, None),
        ]
        held = {
            (price.operator, price.category)
            for price in self._by_provider.get(provider, [])
            if price.holds(day)
        }
        return next((scope for scope in scopes if scope in held), None)

    def on_day(self, provider: str, scope: Scope, day: date, volume: float) -> float | None:
        """The mean price of a month's `volume` segments by the steps that hold on that day."""
        steps = sorted(
            (price.from_segments, price.price)
            for price in self._by_provider.get(provider, [])
            if (price.operator, price.category) == scope and price.holds(day)
        )
        if not steps or steps[0][0] > 0:
            return None
        if volume <= 0:
            return steps[0][1]
        ends = [start for start, _ in steps[1:]] + [float("inf")]
        paid = sum(
            price * max(min(volume, end) - start, 0)
            for (start, price), end in zip(steps, ends, strict=True)
        )
        return paid / volume

    def mean(
        self, provider: str, traffic: Traffic, month: date, volumes: Mapping[Scope, float]
    ) -> float | None:
        """The mean price of a segment over the days of a month; None where some day has none.

        `volumes` are the month's segments at this provider by scope.
        """
        days = _days(month)
        found = []
        for day in days:
            scope = self.scope(provider, traffic.operator, traffic.category, day)
            if scope is None:
                return None
            price = self.on_day(provider, scope, day, volumes.get(scope, 0.0))
            if price is None:
                return None
            found.append(price)
        return sum(found) / len(found)


def scopes_of(traffic: Traffic) -> list[Scope]:
    """Every scope whose volume this traffic adds to."""
    return [
        (traffic.operator, traffic.category),
        (traffic.operator, None),
        (None, traffic.category),
        (None, None),
    ]


@lru_cache(maxsize=120)
def _days(month: date) -> tuple[date, ...]:
    count = (next_month(month) - month).days
    return tuple(month + timedelta(days=n) for n in range(count))
