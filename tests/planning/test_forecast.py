"""Forecasts of generated histories whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from planning.backtest import back_test, say
from planning.model import foretell

FIRST = date(2024, 11, 1)
LAST = date(2026, 10, 31)
NEW_YEAR = {date(year, 1, n): "off" for year in (2025, 2026, 2027) for n in range(1, 9)} | {
    date(year, 5, n): "off" for year in (2025, 2026) for n in (1, 2, 9)
}


def history(shape: Callable[[int, date], float], *, noise: float, seed: int) -> dict[date, float]:
    """Days from FIRST to LAST: a shape times a log-normal noise, at least nothing."""
    dice = np.random.default_rng(seed)
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    return {
        day: max(round(shape(n, day) * float(np.exp(dice.normal(0, noise)))), 0)
        for n, day in enumerate(days)
    }


def business(n: int, day: date) -> float:
    """Grows a third a year, rests on weekends and holidays, peaks on pay days, and jumped once."""
    level = 100_000 * 1.33 ** (n / 365)
    weekday = 0.45 if day.weekday() >= 5 or NEW_YEAR.get(day) == "off" else 1.0
    pay_day = 1.5 if day.day in (5, 6, 20, 21) else 1.0
    cheaper_since = 1.25 if day >= date(2026, 3, 1) else 1.0
    return float(level * weekday * pay_day * cheaper_since)


def test_it_beats_repeating_the_last_week_on_business_as_it_is() -> None:
    tried = [
        month
        for seed in range(3)
        for month in back_test(history(business, noise=0.08, seed=seed), holidays=NEW_YEAR)
    ]
    assert len(tried) == 18
    ours, naive = (
        np.mean([getattr(month, name) for month in tried]) for name in ("error", "naive_error")
    )
    assert ours < naive
    daily, naive_daily = (
        np.mean([getattr(month, name) for month in tried])
        for name in ("daily_error", "naive_daily_error")
    )
    assert daily < naive_daily


def test_holidays_are_foretold(  # the first week of January is the one nobody works in
) -> None:
    known = {day: v for day, v in history(business, noise=0.05, seed=5).items() if day.year < 2026}
    forecast = foretell(known, until=date(2026, 2, 1), holidays=NEW_YEAR)
    week = forecast.between(date(2026, 1, 5), date(2026, 1, 9))[0] / 4
    later = forecast.between(date(2026, 1, 12), date(2026, 1, 16))[0] / 4
    assert week < 0.65 * later


def test_the_interval_holds_most_months() -> None:
    tried = [
        month
        for seed in range(6)
        for month in back_test(history(business, noise=0.1, seed=seed), holidays=NEW_YEAR, months=4)
    ]
    held = np.mean([month.low <= month.actual <= month.high for month in tried])
    assert held >= 0.6  # of 24; it claims 0.8


def steady(n: int, day: date) -> float:
    return 50_000.0 * (0.5 if day.weekday() >= 5 else 1.0)


def growing(n: int, day: date) -> float:
    return steady(n, day) * (1 + 0.0005 * n)


@pytest.mark.parametrize("shape", [steady, growing])
def test_the_interval_holds_as_often_as_it_claims_where_nothing_but_chance_happens(
    shape: Callable[[int, date], float],
) -> None:
    """Its sources of doubt are the days to come and the level they start from, no more."""
    tried = [
        month for seed in range(20) for month in back_test(history(shape, noise=0.08, seed=seed),
                                                           holidays={})
    ]  # fmt: skip
    held = np.mean([month.low <= month.actual <= month.high for month in tried])
    assert 0.74 <= held <= 0.88  # of 120; it claims 0.8
    assert f"{sum(m.low <= m.actual <= m.high for m in tried)} of 120 ended within" in say(tried)


def test_it_says_so_where_repeating_is_better() -> None:
    """A level that jumps at random every month is best foretold by its last week."""
    dice = np.random.default_rng(9)
    levels: dict[tuple[int, int], float] = {}

    def jumping(n: int, day: date) -> float:
        month = (day + timedelta(days=8)).replace(day=1)  # the new level begins a week earlier
        return levels.setdefault((month.year, month.month), float(dice.uniform(1_000, 100_000)))

    tried = back_test(history(jumping, noise=0.01, seed=1), holidays={})
    assert np.mean([m.naive_error for m in tried]) < np.mean([m.error for m in tried])
    assert "repeating the last week would have done better" in say(tried)


def test_one_big_mailing_does_not_bend_the_season() -> None:
    plain = history(business, noise=0.05, seed=2)
    spiked = {**plain, date(2026, 9, 9): plain[date(2026, 9, 9)] * 15}
    until = date(2026, 12, 1)
    quiet, loud = (
        foretell(h, until=until, holidays=NEW_YEAR).between(date(2026, 11, 1), until)[0]
        for h in (plain, spiked)
    )
    assert loud == pytest.approx(quiet, rel=0.1)


@pytest.mark.parametrize("days", [1, 6, 20, 55])
def test_a_short_history_is_repeated_and_says_so(days: int) -> None:
    known = {date(2026, 10, 1) + timedelta(days=n): 100.0 + n % 7 for n in range(days)}
    forecast = foretell(known, until=date(2027, 1, 1), holidays={})
    assert "too few" in forecast.method
    assert np.all(forecast.expected > 0)
    assert back_test(known, holidays={}) == []
    assert say([]) == "No whole month could be back-tested yet."


def test_nothing_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="no history"):
        foretell({}, until=date(2027, 1, 1), holidays={})


def test_nothing_ever_sent_stays_nothing() -> None:
    known = {date(2026, 1, 1) + timedelta(days=n): 0.0 for n in range(200)}
    forecast = foretell(known, until=date(2026, 9, 1), holidays={})
    assert float(forecast.expected.sum()) == 0


def test_the_same_history_gives_the_same_forecast() -> None:
    known = history(business, noise=0.1, seed=4)
    one, other = (foretell(known, until=date(2027, 1, 1), holidays=NEW_YEAR) for _ in range(2))
    assert np.array_equal(one.paths, other.paths)
