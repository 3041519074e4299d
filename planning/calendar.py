"""What a day is like: the columns of a regression."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

YEARLY_FROM = 400  # days of history from which a yearly season can be told from a trend
HALF_LIFE = 120.0  # days in which a trend loses half of its speed: no trend goes on for ever
_SATURDAY = 5


def columns(
    days: Sequence[date],
    *,
    origin: date,
    last_known: date,
    holidays: Mapping[date, str],
    yearly: bool,
) -> NDArray[np.float64]:
    """One row a day: level, damped trend, weekday, kind of day, place in the month and year.

    `holidays` maps days that are not as their weekday to `off` or `working`, as sms.holiday does.
    """
    rows = [
        [
            1.0,
            _trend(day, origin, last_known),
            *(float(day.weekday() == n) for n in range(1, 7)),
            float(holidays.get(day) == "off" and day.weekday() < _SATURDAY),
            float(holidays.get(day) == "working" and day.weekday() >= _SATURDAY),
            *_wave(_place_in_month(day), 3),
            *(_wave(_place_in_year(day), 2) if yearly else ()),
        ]
        for day in days
    ]
    return np.asarray(rows, dtype=np.float64)


def _trend(day: date, origin: date, last_known: date) -> float:
    """Years since the origin; beyond what is known, ever slower."""
    if day <= last_known:
        return (day - origin).days / 365
    rate = np.log(2) / HALF_LIFE
    ahead = (1 - np.exp(-rate * (day - last_known).days)) / rate
    return float(((last_known - origin).days + ahead) / 365)


def _place_in_month(day: date) -> float:
    return (day.day - 1) / calendar.monthrange(day.year, day.month)[1]


def _place_in_year(day: date) -> float:
    return (day.timetuple().tm_yday - 1) / (366 if calendar.isleap(day.year) else 365)


def _wave(place: float, harmonics: int) -> list[float]:
    angles = [2 * np.pi * n * place for n in range(1, harmonics + 1)]
    return [float(f(angle)) for angle in angles for f in (np.sin, np.cos)]
