"""What a process counts for Prometheus, and where it is told.

Nothing here costs a message anything: results arrive once a second as the counts that the breakers
are judged by, receipts once a commit. What only the database knows is asked for every five seconds,
less often where the answer takes long. Names and units follow the conventions of Prometheus.
"""

from __future__ import annotations

import asyncio
import operator
import time
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import chain
from typing import Protocol

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from outbox.calls import monitoring
from outbox.errors import DatabaseError, TransientError

log = structlog.get_logger()

OURS = "outbox_"
OF_EACH = ("_database_up", "_created")  # about one process, so nothing to add up
REFRESH_S = 5.0
REST = 19.0  # asking takes at most a twentieth of the time, however long the queue is
MEANINGS = {
    "outbox_queue_messages": "Messages that wait, by lane: due, later, inflight.",
    "outbox_queue_oldest_due_seconds": "How long the oldest due message of a lane waits.",
    "outbox_uncertain_messages": "Messages that a provider may or may not have.",
    "outbox_receipts_waiting": "Delivery reports whose message is not known yet.",
    "outbox_receipts_foreign": "Reports of the last hour about messages their account never had.",
    "outbox_busy_numbers": "Numbers with overdue messages that a session keeps locked.",
    "outbox_receipt_lag_seconds": "From the event to its report, over the last minute.",
    "outbox_provider_breaker_open": "1 while a provider is left alone or being tried.",
    "outbox_provider_error_ratio": "Share of errors, lost and slow answers of late.",
    "outbox_provider_outstanding_messages": "Messages with a provider, without an answer so far.",
    "outbox_provider_lanes": "Lanes a provider serves.",
    "outbox_provider_balance": "What a provider says is left, in its currency.",
    "outbox_provider_balance_limit": "Below this balance people want to be warned.",
    "outbox_money_today": "Expected cost of what was handed over today, in the own currency.",
    "outbox_budget_spent_ratio": "Share of a budget that is spent.",
    "outbox_budget_warn_ratio": "Share of a budget at which it warns.",
    "outbox_campaign_waiting_recipients": "Recipients of unfinished campaigns not queued yet.",
    "outbox_statistics_stale_periods": "Hours of statistics to be counted again.",
    "outbox_statistics_behind_seconds": "Since when changes wait to be counted; 0 = none waits.",
    "outbox_partition_months_ahead": "Months after this one for which every table has room.",
}


class Report(Protocol):
    """What a process met at a provider in a second: `outbox.rows_routes.Report`."""

    @property
    def provider(self) -> str: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def times(self) -> Sequence[int]: ...
    @property
    def answered_s(self) -> float: ...


Ask = Callable[[], Awaitable[Sequence[monitoring.MetricValue]]]


class Metrics:
    """The counts of one process since it began, and the latest values of the database."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._results = _Results()
        self._values = _Values()
        self.registry.register(self._results)
        self.registry.register(self._values)
        self._receipts = Counter(
            "outbox_receipts", "Delivery reports stored.", ["provider"], registry=self.registry
        )
        self._commits = Histogram(
            "outbox_receipt_commit_seconds",
            "Time to store a batch of delivery reports.",
            ["provider"],
            registry=self.registry,
        )
        self._database = Gauge(
            "outbox_database_up", "1 while the database answers.", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        self._complaint = ""
        self.elsewhere: Sequence[Metric] = ()

    def results(self, reports: Iterable[Report]) -> None:
        """Take what a second brought."""
        for report in reports:
            self._results.add(report)

    @contextmanager
    def receipts(self, provider: str, count: int) -> Iterator[None]:
        """Time the commit of a batch of receipts; count them where it succeeds."""
        began = time.perf_counter()
        yield
        self._commits.labels(provider).observe(time.perf_counter() - began)
        self._receipts.labels(provider).inc(count)

    @asynccontextmanager
    async def listening(self, *, host: str, port: int | None) -> AsyncIterator[None]:
        """Answer GET /metrics until the block ends, unless the port is None."""
        if port is None:
            yield
            return
        # Whoever does not ask for it does not pay for loading a server.
        from outbox.metrics_page import Page, listener

        async with listener(Page(self.collect), host=host, port=port):
            yield

    def collect(self) -> Iterator[Metric]:
        """What this process counted, and what a process of its own told of itself."""
        return together(self.registry.collect(), self.elsewhere)

    def hear(self, text: str) -> None:
        """Take what a process of our own counted so far, as Prometheus would read it."""
        self.elsewhere = [
            family
            for family in text_string_to_metric_families(text)
            if family.name.startswith(OURS) and not family.name.endswith(OF_EACH)
        ]

    async def keep_fresh(self, ask: Ask, stopping: asyncio.Event) -> None:
        """Ask the database now and then until stopped, through any outage."""
        while not stopping.is_set():
            began = time.perf_counter()
            answered = await self._refresh(ask)
            took_s = time.perf_counter() - began
            with suppress(TimeoutError):
                async with asyncio.timeout(max(REFRESH_S, REST * took_s if answered else 0)):
                    await stopping.wait()

    async def _refresh(self, ask: Ask) -> bool:
        try:
            self._values.take(await ask())
        except DatabaseError as error:
            self._values.take([])  # old values would look like a queue that stands still
            self._database.set(0)
            self._complain(error)
            return False
        self._database.set(1)
        self._complaint = ""
        return True

    def _complain(self, error: DatabaseError) -> None:
        """Once: what does not pass by itself needs somebody. Who waits is told elsewhere."""
        if not isinstance(error, TransientError) and str(error) != self._complaint:
            self._complaint = str(error)
            log.error("metrics_refused", error=self._complaint)


class _Results(Collector):
    """Results and answer times by provider."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = defaultdict(float)

    def add(self, report: Report) -> None:
        for kind, count in report.counts.items():
            self._counts[report.provider, kind] += count
        so_far = self._times.setdefault(report.provider, [0] * len(report.times))
        self._times[report.provider] = [a + b for a, b in zip(so_far, report.times, strict=True)]
        self._seconds[report.provider] += report.answered_s

    def collect(self) -> Iterator[Metric]:
        results = CounterMetricFamily(
            "outbox_results",
            "Results by message: accepted, rejected, failed, throttled, unanswered.",
            labels=["provider", "result"],
        )
        slow = CounterMetricFamily(
            "outbox_slow_answers",
            "Answers later than the provider's slow_answer.",
            labels=["provider"],
        )
        troubles = CounterMetricFamily(
            "outbox_provider_troubles",
            "Times a provider could not be opened or asked.",
            labels=["provider"],
        )
        for (provider, kind), count in sorted(self._counts.copy().items()):
            if kind == "slow":
                slow.add_metric([provider], count)
            elif kind == "troubles":
                troubles.add_metric([provider], count)
            else:
                results.add_metric([provider, kind], count)
        yield from (results, slow, troubles)
        answers = HistogramMetricFamily(
            "outbox_answer_seconds", "Time to a provider's answer.", labels=["provider"]
        )
        for provider, times in sorted(self._times.copy().items()):
            answers.add_metric([provider], _buckets(times), sum_value=self._seconds[provider])
        yield answers


class _Values(Collector):
    """What the database told last."""

    def __init__(self) -> None:
        self._rows: Sequence[monitoring.MetricValue] = ()

    def take(self, rows: Sequence[monitoring.MetricValue]) -> None:
        self._rows = rows

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for row in self._rows:
            names = sorted(row.labels)
            if row.metric not in families:
                meaning = MEANINGS.get(row.metric, row.metric)
                families[row.metric] = GaugeMetricFamily(row.metric, meaning, labels=names)
            families[row.metric].add_metric([str(row.labels[name]) for name in names], row.value)
        yield from families.values()


def _buckets(times: Sequence[int]) -> list[tuple[str, float]]:
    """Counts by class as Prometheus has them: cumulated, by upper bound in seconds."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for place, count in enumerate(times):
        total += count
        last = place == len(times) - 1
        buckets.append(("+Inf" if last else str(2**place / 1000), total))
    return buckets


def together(*sources: Iterable[Metric]) -> Iterator[Metric]:
    """Families of several sources; what two of them count is added up."""
    families: dict[str, Metric] = {}
    for family in chain(*sources):
        known = families.get(family.name)
        if known is None:
            families[family.name] = family
        else:
            families[family.name] = _added(known, family)
    yield from families.values()


def _added(one: Metric, other: Metric) -> Metric:
    total = Metric(one.name, one.documentation, one.type)
    values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in (*one.samples, *other.samples):
        key = (sample.name, tuple(sorted(sample.labels.items())))
        is_date = sample.name.endswith("_created")
        if key not in values:
            values[key] = sample.value
        else:
            values[key] = (min if is_date else operator.add)(values[key], sample.value)
    for (name, labels), value in values.items():
        total.add_sample(name, dict(labels), value)
    return total
