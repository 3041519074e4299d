"""The same traffic through other providers: as it goes now, all cheap, all dear, urgent dear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from planning.prices import PriceList, Scope, Traffic, scopes_of

SCENARIOS = ("as now", "all cheap", "all dear", "urgent dear, rest cheap")
URGENT = 1  # priorities up to this one are urgent
Shares = Mapping[str, float]  # of a traffic, by provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month's segments and money by traffic and provider; money is None where no tariff holds."""

    segments: Mapping[tuple[Traffic, str], float]
    money: Mapping[tuple[Traffic, str], float | None]

    @property
    def total(self) -> float | None:
        """All money, or None where some of it is unknown."""
        known = [value for value in self.money.values() if value is not None]
        return sum(known) if len(known) == len(self.money) else None


def bill(
    scenario: str,
    month: date,
    segments: Mapping[Traffic, float],
    *,
    prices: PriceList,
    now: Mapping[Traffic, Shares],
) -> Bill:
    """What a month's segments cost in a scenario.

    The cheapest and the dearest provider are chosen for each channel and operator by what all of it
    would cost there alone; steps are then priced by what really comes together.
    """
    shares = {
        traffic: _shares(scenario, month, traffic, volume, prices, now)
        for traffic, volume in segments.items()
    }
    volumes: dict[str, dict[Scope, float]] = defaultdict(lambda: defaultdict(float))
    for traffic, volume in segments.items():
        for provider, share in shares[traffic].items():
            for scope in scopes_of(traffic):
                volumes[provider][scope] += volume * share
    parts = {
        (traffic, provider): volume * share
        for traffic, volume in segments.items()
        for provider, share in shares[traffic].items()
    }
    money: dict[tuple[Traffic, str], float | None] = {}
    for (traffic, provider), part in parts.items():
        price = prices.mean(provider, traffic, month, volumes[provider])
        money[traffic, provider] = None if price is None else price * part
    return Bill(segments=parts, money=money)


def _shares(
    scenario: str,
    month: date,
    traffic: Traffic,
    volume: float,
    prices: PriceList,
    now: Mapping[Traffic, Shares],
) -> Shares:
    """Who carries a traffic in a scenario; as now where no provider has a price for it."""
    alone = {scope: volume for scope in scopes_of(traffic)}
    priced = {
        provider: price
        for provider in prices.providers
        if (price := prices.mean(provider, traffic, month, alone)) is not None
    }
    if scenario == "as now" or not priced:
        return now[traffic]
    dear = scenario == "all dear" or (scenario.startswith("urgent") and traffic.priority <= URGENT)
    chosen = (max if dear else min)(sorted(priced), key=lambda provider: priced[provider])
    return {chosen: 1.0}
