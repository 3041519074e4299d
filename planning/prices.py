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

    def on_day(
        self, provider: str, scopes: Sequence[Scope], day: date, volumes: Mapping[Scope, float]
    ) -> float | None:
        """The mean price of a month's segments on that day, as sms.segment_price picks it for each.

        The first of `scopes` that has a tariff holds; what goes before its first step falls back
        to those after it. None where nothing holds.
        """
        for n, scope in enumerate(scopes):
            if steps := self._steps(provider, scope, day):
                first, volume = steps[0][0], volumes.get(scope, 0.0)
                if first == 0:
                    return _paid(steps, volume) / volume if volume > 0 else steps[0][1]
                before = self.on_day(provider, scopes[n + 1 :], day, volumes)
                if before is None or volume <= first:
                    return before
                return (first * before + _paid(steps, volume)) / volume
        return None

    def _steps(self, provider: str, scope: Scope, day: date) -> list[tuple[int, float]]:
        return sorted(
            (price.from_segments, price.price)
            for price in self._by_provider.get(provider, [])
            if (price.operator, price.category) == scope and price.holds(day)
        )

    def mean(
        self, provider: str, traffic: Traffic, month: date, volumes: Mapping[Scope, float]
    ) -> float | None:
        """The mean price of a segment over the days of a month; None where some day has none.

        `volumes` are the month's segments at this provider by scope.
        """
        scopes = scopes_of(traffic)
        found = [self.on_day(provider, scopes, day, volumes) for day in _days(month)]
        prices = [price for price in found if price is not None]
        return sum(prices) / len(found) if len(prices) == len(found) else None


def _paid(steps: Sequence[tuple[int, float]], volume: float) -> float:
    """What is paid from the first step on."""
    ends = [start for start, _ in steps[1:]] + [float("inf")]
    return sum(
        price * max(min(volume, end) - start, 0)
        for (start, price), end in zip(steps, ends, strict=True)
    )


def scopes_of(traffic: Traffic) -> list[Scope]:
    """Every scope whose volume this traffic adds to, the most specific first."""
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
