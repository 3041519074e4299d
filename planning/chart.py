"""The forecast as a picture: months sent and foretold, and what each scenario costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outbox.rows_money import DailyVolume
from planning.plan import Plan
from planning.scenarios import SCENARIOS

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
SHOWN = 12  # months of the past


def draw(plan: Plan, volumes: Sequence[DailyVolume], file: Path) -> None:
    """Write the picture; the file's ending says in which format (svg, png, pdf)."""
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: smaller, and can be searched
    figure = Figure(figsize=(10, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    _volumes(upper, plan, volumes)
    _money(lower, plan)
    figure.savefig(file)


def _volumes(axes: Axes, plan: Plan, volumes: Sequence[DailyVolume]) -> None:
    past: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for volume in volumes:
        past[volume.channel][volume.day.replace(day=1)] += volume.messages
    this_month = min(row.month for row in plan.rows)
    shown = sorted({m for by in past.values() for m in by if m < this_month})[-SHOWN:]
    months = [*shown, *sorted({row.month for row in plan.rows})]
    places = {month: place for place, month in enumerate(months)}
    lows = {month: 0.0 for month in months}
    for colour, channel in zip(COLOURS * 3, sorted(past), strict=False):
        heights = {month: float(past[channel].get(month, 0)) for month in shown}
        for row in plan.rows:
            if row.channel == channel and row.scenario == SCENARIOS[0]:
                heights[row.month] = heights.get(row.month, 0.0) + row.messages
        axes.bar(
            [places[m] for m in heights],
            list(heights.values()),
            bottom=[lows[m] for m in heights],
            color=colour,
            label=channel,
        )
        for month, height in heights.items():
            lows[month] += height
    axes.axvline(len(shown) - 0.5, color="black", linewidth=1, linestyle=":")
    axes.set_xticks(list(places.values()), [f"{m:%b %y}" for m in months])
    axes.set_title("Messages handed over by month; right of the line foretold, this month in part")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(0, max(lows.values(), default=1.0) * 1.15)
    axes.legend(loc="upper left", fontsize="small", ncols=4)


def _money(axes: Axes, plan: Plan) -> None:
    months = sorted({row.month for row in plan.rows})
    width = 0.8 / len(SCENARIOS)
    for n, (colour, scenario) in enumerate(zip(COLOURS, SCENARIOS, strict=False)):
        totals = [
            sum(
                row.cost or 0
                for row in plan.rows
                if row.scenario == scenario and row.month == month
            )
            for month in months
        ]
        axes.bar(
            [p + n * width for p in range(len(months))], totals, width, color=colour, label=scenario
        )
    axes.set_xticks(
        [p + 0.4 - width / 2 for p in range(len(months))], [f"{m:%b %y}" for m in months]
    )
    axes.set_title("Cost of segments by scenario")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(loc="upper left", fontsize="small", ncols=4)
