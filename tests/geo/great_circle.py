"""Distances counted without the database."""

import math

EARTH_M = 6_371_008.8
Point = tuple[float, float]  # lat, lon in degrees


def distance_m(a: Point, b: Point) -> float:
    """The haversine formula; the earth is not quite a sphere, so it is up to 0.6 % off."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, p)) for p in (a, b))
    chord = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(chord))
