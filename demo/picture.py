"""The map of the audience: clients near the station, coloured by what became of the message."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COLOURS = {
    "delivered": "#2a9d8f",
    "pending": "#e9c46a",
    "suppressed": "#9aa0a6",
    "undelivered": "#e76f51",
}
OTHER = "#5b5f97"
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One client on the map; `state` is None for those who were not chosen."""

    lat: float
    lon: float
    state: str | None


def draw(
    path: Path, *, station: str, centre: tuple[float, float], radius_m: float, dots: Sequence[Dot]
) -> None:
    """Draw the clients around `centre` (lat, lon) with the radius that chose them, as a PNG."""
    # Only the demo has matplotlib; nothing on the sending path may import it.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Circle

    figure, axes = pyplot.subplots(figsize=(9, 9), dpi=110)
    for state, label, colour, size in _layers(dots):
        points = [_metres(dot, centre) for dot in dots if dot.state == state]
        east, north = zip(*points, strict=True)
        axes.scatter(east, north, s=size, c=colour, label=f"{label}: {len(points)}", linewidths=0)
    axes.add_patch(Circle((0, 0), radius_m, fill=False, color="#264653", linewidth=1.5))
    axes.scatter([0], [0], marker="*", s=320, c="#d62828", label=f"«{station}»", zorder=5)
    reach = radius_m * 1.6
    axes.set(
        xlim=(-reach, reach),
        ylim=(-reach, reach),
        aspect="equal",
        xlabel="metres east",
        ylabel="metres north",
    )
    axes.set_title(f"Clients within {radius_m:,.0f} m of «{station}» and their messages")
    axes.grid(visible=True, alpha=0.25)
    axes.legend(loc="upper right", framealpha=0.9)
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)


def _layers(dots: Sequence[Dot]) -> list[tuple[str | None, str, str, int]]:
    """State, label, colour and size of each layer; those who were not chosen lie below."""
    states = sorted({dot.state for dot in dots if dot.state is not None})
    below: list[tuple[str | None, str, str, int]] = []
    if any(dot.state is None for dot in dots):
        below = [(None, "not chosen", "#dde1e4", 8)]
    return [*below, *((state, state, COLOURS.get(state, OTHER), 22) for state in states)]


def _metres(dot: Dot, centre: tuple[float, float]) -> tuple[float, float]:
    """East and north of the centre in metres; flat enough for a few kilometres."""
    north = (dot.lat - centre[0]) * METRES_PER_DEGREE
    east = (dot.lon - centre[1]) * METRES_PER_DEGREE * math.cos(math.radians(centre[0]))
    return east, north
