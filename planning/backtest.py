"""How wrong the forecast would have been: months that are over, foretold from what came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from planning.model import LEAST_DAYS, foretell, repeat_last_week


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One month foretold at its eve. Errors are shares of its true volume: of the month's sum, and
    of its days (their absolute errors summed up)."""

    month: date
    actual: float
    expected: float
    low: float
    high: float
    error: float
    naive_error: float
    daily_error: float
    naive_daily_error: float

    @property
    def is_better(self) -> bool:
        """Whether it beat repeating the last week."""
        return self.error < self.naive_error


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def back_test(
    history: Mapping[date, float], *, holidays: Mapping[date, str], months: int = 6
) -> list[Tried]:
    """The last whole months of a history, oldest first, each foretold from the days before it."""
    if not history:
        return []
    first, last = min(history), max(history)
    end = next_month(last) if next_month(last) == last + timedelta(days=1) else last.replace(day=1)
    tried: list[Tried] = []
    while len(tried) < months:
        start = (end - timedelta(days=1)).replace(day=1)
        if (start - first).days < LEAST_DAYS:
            break
        tried.append(_try(history, start, end, holidays))
        end = start
    return tried[::-1]


def say(tried: Sequence[Tried]) -> str:
    """One sentence on whether to believe it."""
    if not tried:
        return "No whole month could be back-tested yet."
    ours = float(np.mean([t.error for t in tried]))
    naive = float(np.mean([t.naive_error for t in tried]))
    verdict = (
        f"it beat repeating the last week ({naive:.1%})"
        if ours < naive
        else f"repeating the last week would have done better ({naive:.1%})"
    )
    months = "month" if len(tried) == 1 else f"{len(tried)} months"
    held = sum(t.low <= t.actual <= t.high for t in tried)
    return (
        f"Over the last {months} it missed a month's volume by {ours:.1%} on average; {verdict}."
        f" {held} of {len(tried)} ended within the interval."
    )


def _try(
    history: Mapping[date, float], start: date, end: date, holidays: Mapping[date, str]
) -> Tried:
    before = {day: volume for day, volume in history.items() if day < start}
    before.setdefault(start - timedelta(days=1), 0.0)
    forecast = foretell(before, until=end, holidays=holidays)
    actual = np.asarray([history.get(day, 0.0) for day in forecast.days])
    known = np.asarray(
        [before.get(start - timedelta(days=n), 0.0) for n in range(len(before), 0, -1)]
    )
    naive = repeat_last_week(known, len(actual))
    expected, low, high = forecast.between(start, end)
    total = max(float(actual.sum()), 1.0)
    return Tried(
        month=start,
        actual=float(actual.sum()),
        expected=expected,
        low=low,
        high=high,
        error=abs(expected - actual.sum()) / total,
        naive_error=abs(float(naive.sum() - actual.sum())) / total,
        daily_error=float(np.abs(forecast.expected - actual).sum()) / total,
        naive_daily_error=float(np.abs(naive - actual).sum()) / total,
    )
