"""The month's pictures as SVG texts that stand in the page."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from outbox.rows_money import HourDelivered, MonthMoney, Statistic

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
LEAST = 20  # messages in an hour, for its share to say anything
SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "outbox", "font.size": 9}


def volumes(rows: Sequence[Statistic], start: date, until: date) -> str:
    """Messages that left the queue, by day and channel."""
    days = [start + timedelta(days=n) for n in range((until - start).days)]
    channels: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.day is not None:
            channels[row.channel or ""][row.day] += row.messages
    figure = Figure(figsize=(9, 3), layout="constrained")
    axes = figure.subplots()
    low = np.zeros(len(days))
    for colour, (channel, by_day) in zip(COLOURS * 3, sorted(channels.items()), strict=False):
        heights = np.asarray([by_day.get(day, 0) for day in days], dtype=float)
        axes.bar(range(1, len(days) + 1), heights, bottom=low, color=colour, label=channel)
        low += heights
    axes.yaxis.set_major_formatter(_thousands)
    axes.set_xlabel("day of the month")
    axes.set_xlim(0.3, len(days) + 0.7)
    if channels:
        axes.legend(fontsize="small", ncols=5, loc="upper left")
        axes.set_ylim(0, max(low.max() * 1.2, 1))
    return _svg(figure)


def providers(rows: Sequence[Statistic]) -> str:
    """Share delivered by provider and operator."""
    shown = [row for row in rows if row.provider and row.accepted][:20]
    figure = Figure(figsize=(9, 0.6 + 0.28 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots()
    names = [f"{row.provider} → {row.operator or '?'}" for row in shown]
    axes.barh(names, [float(row.delivery_share or 0) * 100 for row in shown], color=COLOURS[0])
    for place, row in enumerate(shown):
        axes.text(1, place, f"{row.accepted:,}", va="center", color="white", fontsize="small")
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_xlabel("% delivered of what was handed over (how many: in the bar)")
    return _svg(figure)


def money(rows: Sequence[MonthMoney]) -> str:
    """Cost by provider beside the plan."""
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    planned = [float(row.planned_cost or 0) for row in rows]
    axes.bar(
        places - 0.2,
        [float(row.segments_cost) for row in rows],
        0.4,
        color=COLOURS[0],
        label="segments",
    )
    axes.bar(
        places - 0.2,
        [float(row.fees) for row in rows],
        0.4,
        bottom=[float(row.segments_cost) for row in rows],
        color=COLOURS[4],
        label="monthly fees",
    )
    if any(planned):
        axes.bar(places + 0.2, planned, 0.4, color=COLOURS[6], label="foretold for segments")
    axes.set_xticks(places, [row.provider for row in rows])
    axes.yaxis.set_major_formatter(_thousands)
    if rows:
        axes.legend(fontsize="small", ncols=3, loc="upper left")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.2)
    return _svg(figure)


def hours(rows: Sequence[HourDelivered], start: date, until: date) -> str:
    """Share delivered by day and hour; white where next to nothing was sent."""
    days = (until - start).days
    shares = np.full((24, days), np.nan)
    for row in rows:
        if row.accepted >= LEAST:
            shares[row.hour, (row.day - start).days] = row.delivered / row.accepted * 100
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(
        shares, aspect="auto", cmap="RdYlGn", vmin=50, vmax=100, extent=(0.5, days + 0.5, 24, 0)
    )
    axes.set_xlabel("day of the month")
    axes.set_ylabel("hour")
    axes.set_yticks(range(0, 25, 6))
    figure.colorbar(image, label="% delivered", extend="min")
    return _svg(figure)


def _thousands(value: float, _: object) -> str:
    return f"{value:,.0f}"


def _svg(figure: Figure) -> str:
    """The picture as an element, without the declarations of a file of its own."""
    with mpl.rc_context(SETTINGS):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
