"""Daily volumes foretold from daily volumes, with intervals.

A robust regression of the logarithm on the calendar (statsmodels' RLM with Huber's weights, so that
a one-off mailing does not bend the season), the level of the last four weeks, and paths drawn from
what the past left unexplained: whole weeks of it, as neighbouring days err alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

from planning.calendar import YEARLY_FROM, columns

LEAST_DAYS = 56  # fewer say nothing about a month: then the last week is repeated
LATELY = 28  # days whose mean error corrects the level
PATHS = 400
BLOCK = 7
WEEK = 7

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Volumes of some days: the expected ones and paths drawn around them, paths × days."""

    days: Sequence[date]
    expected: Array
    paths: Array
    method: str

    def between(self, start: date, until: date) -> tuple[float, float, float]:
        """Expected sum of the days from `start` to before `until`, and its 80 % interval."""
        chosen = np.asarray([start <= day < until for day in self.days])
        sums = self.paths[:, chosen].sum(axis=1)
        low, high = np.quantile(sums, [0.1, 0.9])
        return float(self.expected[chosen].sum()), float(low), float(high)


def foretell(
    history: Mapping[date, float],
    *,
    until: date,
    holidays: Mapping[date, str],
    seed: int = 0,
) -> Forecast:
    """Volumes from the day after the last known to before `until`; days without any count as 0.

    Raises ValueError where there is no history at all.
    """
    if not history:
        raise ValueError("there is no history to foretell from")
    first, last = min(history), max(history)
    known = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    volumes = np.asarray([history.get(day, 0.0) for day in known], dtype=np.float64)
    days = [last + timedelta(days=n) for n in range(1, (until - last).days)]
    if len(known) < LEAST_DAYS or not volumes.any():
        return _repeated(volumes, days, seed)
    return _regressed(known, volumes, days, holidays, seed)


def repeat_last_week(volumes: Array, days: int) -> Array:
    """The seasonal-naive forecast: each day as the same weekday of the last known week."""
    week = volumes[-WEEK:] if len(volumes) >= WEEK else np.full(WEEK, volumes.mean())
    return np.resize(week, days).astype(np.float64)


def _repeated(volumes: Array, days: Sequence[date], seed: int) -> Forecast:
    expected = repeat_last_week(volumes, len(days))
    spread = volumes.std() if len(volumes) > 1 else volumes.mean() / 2
    noise = np.random.default_rng(seed).normal(0, spread, (PATHS, len(days)))
    return Forecast(
        days=days,
        expected=expected,
        paths=np.maximum(expected + noise, 0),
        method=f"the last week repeated: {len(volumes)} days of history are too few for more",
    )


def _regressed(
    known: Sequence[date],
    volumes: Array,
    days: Sequence[date],
    holidays: Mapping[date, str],
    seed: int,
) -> Forecast:
    calendar = {
        "origin": known[0],
        "last_known": known[-1],
        "holidays": holidays,
        "yearly": len(known) >= YEARLY_FROM,
    }
    past = columns(known, **calendar)  # type: ignore[arg-type]
    future = columns(days, **calendar)  # type: ignore[arg-type]
    logs = np.log1p(volumes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column of zeros, such as no holiday yet, is no news
        fitted = sm.RLM(logs, past, M=sm.robust.norms.HuberT()).fit()
    errors = logs - past @ fitted.params
    level = float(np.median(errors[-LATELY:]))
    left = errors[-365:] - np.median(errors[-365:])
    dice = np.random.default_rng(seed)
    drawn = future @ fitted.params + level + _drawn_errors(left, len(days), dice)
    drawn += _drift(errors, len(days), dice) + _doubt_of_level(errors, dice)
    paths = np.maximum(np.expm1(np.minimum(drawn, np.log1p(volumes.max() * 20))), 0)
    return Forecast(
        days=days,
        expected=paths.mean(axis=0),
        paths=paths,
        method=f"regression on the calendar over {len(known)} days",
    )


def _drawn_errors(errors: Array, days: int, dice: np.random.Generator) -> Array:
    """Errors as they came, a week at a time."""
    blocks = -(-days // BLOCK)
    starts = dice.integers(0, len(errors) - BLOCK + 1, (PATHS, blocks))
    picked = errors[starts[:, :, None] + np.arange(BLOCK)[None, None, :]]
    return picked.reshape(PATHS, -1)[:, :days]  # type: ignore[no-any-return]


def _drift(errors: Array, days: int, dice: np.random.Generator) -> Array:
    """How far the level wandered from one four weeks to the next, going on to wander.

    What the means of four weeks differ by chance is no wandering. A level that wanders has moved
    since the middle of the weeks that tell of it; neighbouring means of it lie nearer than ends.
    """
    months = errors[: len(errors) // LATELY * LATELY].reshape(-1, LATELY)
    if len(months) > 2:
        by_chance = 2 * float(months.var(axis=1).mean()) / LATELY
        step = max(float(np.var(np.diff(months.mean(axis=1)))) - by_chance, 0.0) ** 0.5
    else:
        step = float(np.std(errors)) / 4
    ahead = np.sqrt(1.5 * np.arange(1, days + 1) / LATELY + 0.5)
    return dice.normal(0, step, (PATHS, 1)) * ahead[None, :]


def _doubt_of_level(errors: Array, dice: np.random.Generator) -> Array:
    """How far the median of the last four weeks may be from the level (its asymptotic error)."""
    error = (np.pi / 2 / LATELY) ** 0.5 * float(np.std(errors[-LATELY:]))
    return dice.normal(0, error, (PATHS, 1))
