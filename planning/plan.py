"""Next months' messages and money, by channel and provider, in every scenario."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from outbox.rows_money import DailyVolume, ForecastRow, PriceRow
from planning.backtest import Tried, back_test, next_month
from planning.model import Forecast, foretell
from planning.prices import Price, PriceList, Traffic
from planning.scenarios import SCENARIOS, bill

LATELY = 56  # days that tell the shares of operators and providers, and how long texts are


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Messages on the schedule that history does not tell of: a campaign to come."""

    day: date
    channel: str
    messages: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The forecast: lines by month, scenario, channel and provider; what the last month's messages
    would have cost in each scenario; how each channel was foretold and how well that would have
    done."""

    rows: Sequence[ForecastRow]
    last_month: Mapping[str, float | None]
    methods: Mapping[str, str]
    tried: Mapping[str, Sequence[Tried]]
    forecasts: Mapping[str, Forecast]


def make_plan(
    volumes: Sequence[DailyVolume],
    prices: Sequence[PriceRow],
    *,
    holidays: Mapping[date, str],
    today: date,
    months: int,
    planned: Sequence[Planned] = (),
) -> Plan:
    """Foretell this month and the next `months`: what is known of it until yesterday counts as it
    was, today and later days are foretold.

    Raises ValueError where nothing was ever sent.
    """
    known = [volume for volume in volumes if volume.day < today]
    if not known:
        raise ValueError("nothing was sent yet, so there is nothing to foretell from")
    starts = _months(today, months)
    histories = _by_channel(known, today)
    until = next_month(starts[-1])
    forecasts = {
        channel: foretell(history, until=until, holidays=holidays)
        for channel, history in histories.items()
    }
    so_far = _since(starts[0], histories)
    listed = PriceList([_price(row) for row in prices])
    mix = _Mix(known, today)
    rows = [
        row
        for month in starts
        for scenario in SCENARIOS
        for row in _lines(
            month,
            scenario,
            forecasts,
            so_far if month == starts[0] else {},
            mix,
            listed,
            planned,
        )
    ]
    return Plan(
        rows=rows,
        last_month=_last_month(known, starts[0], listed),
        methods={channel: forecast.method for channel, forecast in forecasts.items()},
        tried={
            channel: back_test(history, holidays=holidays) for channel, history in histories.items()
        },
        forecasts=forecasts,
    )


def _months(today: date, after: int) -> list[date]:
    """The first days of this month and of so many after it."""
    starts = [today.replace(day=1)]
    while len(starts) <= after:
        starts.append(next_month(starts[-1]))
    return starts


def _since(start: date, histories: Mapping[str, Mapping[date, float]]) -> dict[str, float]:
    """What each channel sent from a day on."""
    return {
        channel: sum(volume for day, volume in history.items() if day >= start)
        for channel, history in histories.items()
    }


def _last_month(
    volumes: Sequence[DailyVolume], until: date, prices: PriceList
) -> dict[str, float | None]:
    """What the messages of the month before would have cost by the tariffs of then."""
    start = (until - timedelta(days=1)).replace(day=1)
    segments: dict[Traffic, float] = defaultdict(float)
    carried: dict[Traffic, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for volume in volumes:
        if start <= volume.day < until:
            segments[_traffic(volume)] += volume.segments
            carried[_traffic(volume)][volume.provider] += volume.segments
    shares = {
        traffic: {name: part / (segments[traffic] or 1) for name, part in by_provider.items()}
        for traffic, by_provider in carried.items()
    }
    return {
        scenario: bill(scenario, start, segments, prices=prices, now=shares).total
        for scenario in SCENARIOS
    }


def _traffic(volume: DailyVolume) -> Traffic:
    return Traffic(
        channel=volume.channel,
        category=volume.category,
        priority=volume.priority,
        operator=volume.operator,
    )


class _Mix:
    """Of what a channel's messages consist lately: operators, segments each, providers."""

    def __init__(self, volumes: Sequence[DailyVolume], today: date) -> None:
        lately = [v for v in volumes if v.day >= today - timedelta(days=LATELY)] or volumes
        self.traffics: dict[str, dict[Traffic, float]] = defaultdict(dict)
        self.shares: dict[Traffic, dict[str, float]] = {}
        messages: dict[str, float] = defaultdict(float)
        segments: dict[Traffic, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for volume in lately:
            traffic = _traffic(volume)
            messages[volume.channel] += volume.messages
            segments[traffic][volume.provider] += volume.segments
        for traffic, by_provider in segments.items():
            total = sum(by_provider.values())
            # Segments of this operator's part for one message of the channel.
            self.traffics[traffic.channel][traffic] = total / max(messages[traffic.channel], 1)
            self.shares[traffic] = {
                provider: part / total if total else 1 / len(by_provider)
                for provider, part in by_provider.items()
            }


def _lines(
    month: date,
    scenario: str,
    forecasts: Mapping[str, Forecast],
    so_far: Mapping[str, float],
    mix: _Mix,
    prices: PriceList,
    planned: Sequence[Planned],
) -> list[ForecastRow]:
    end = next_month(month)
    volumes = {
        channel: tuple(
            value + so_far.get(channel, 0.0) + _extra(planned, channel, month, end)
            for value in forecast.between(month, end)
        )
        for channel, forecast in forecasts.items()
    }
    segments = {
        traffic: volumes[channel][0] * each
        for channel, traffics in mix.traffics.items()
        for traffic, each in traffics.items()
        if channel in volumes
    }
    paid = bill(scenario, month, segments, prices=prices, now=mix.shares)
    by_line: dict[tuple[str, str], list[tuple[float, float | None]]] = defaultdict(list)
    for (traffic, provider), part in paid.segments.items():
        by_line[traffic.channel, provider].append((part, paid.money[traffic, provider]))
    return [
        _line(month, scenario, channel, provider, parts, volumes[channel], paid.segments)
        for (channel, provider), parts in sorted(by_line.items())
    ]


def _line(
    month: date,
    scenario: str,
    channel: str,
    provider: str,
    parts: Sequence[tuple[float, float | None]],
    volume: tuple[float, ...],
    segments: Mapping[tuple[Traffic, str], float],
) -> ForecastRow:
    own = sum(part for part, _ in parts)
    whole = sum(part for (traffic, _), part in segments.items() if traffic.channel == channel)
    share = own / whole if whole else 0.0
    known = [money for _, money in parts if money is not None]
    expected, low, high = (value * share for value in volume)
    return ForecastRow(
        month=month,
        scenario=scenario,
        channel=channel,
        provider=provider,
        messages=round(expected, 1),
        low=round(low, 1),
        high=round(high, 1),
        segments=round(own, 1),
        cost=round(sum(known), 2) if len(known) == len(parts) else None,
    )


def _extra(planned: Sequence[Planned], channel: str, start: date, end: date) -> float:
    return sum(p.messages for p in planned if p.channel == channel and start <= p.day < end)


def _by_channel(volumes: Sequence[DailyVolume], today: date) -> dict[str, dict[date, float]]:
    """Messages by day; yesterday is there even where nothing went, so that silence is known."""
    histories: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for volume in volumes:
        histories[volume.channel][volume.day] += volume.messages
    for history in histories.values():
        history.setdefault(today - timedelta(days=1), 0.0)
    return {channel: dict(history) for channel, history in histories.items()}


def _price(row: PriceRow) -> Price:
    return Price(
        provider=row.provider,
        operator=row.operator,
        category=row.category,
        from_segments=row.from_segments,
        price=float(row.price),
        since=row.since,
        until=row.until,
    )
