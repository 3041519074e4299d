"""What the receipt server counts, for Prometheus: the public port tells strangers nothing."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dlr.app import ReceiptApp
from outbox.doors.hall import Hall

RESULTS = ("stored", "inbound", "malformed", "wrong_token", "unknown_provider")


class Calls(Collector):
    """Callbacks by result, short links, and connections that were refused by reason."""

    def __init__(self, app: ReceiptApp, hall: Hall) -> None:
        self._app = app
        self._hall = hall

    def collect(self) -> Iterator[Metric]:
        """The values of this moment."""
        counters, links = self._app.counters, self._app.links.counters
        yield _counter(
            "outbox_dlr_calls",
            "What callbacks brought: reports stored, messages of subscribers, refusals.",
            "result",
            {result: getattr(counters, result) for result in RESULTS},
        )
        yield _counter(
            "outbox_dlr_links",
            "Short links opened: led on, or of a code that leads nowhere.",
            "result",
            {"led": links.led, "unknown": links.unknown},
        )
        yield _counter(
            "outbox_dlr_refused",
            "Connections that were ended or not let in, by reason.",
            "reason",
            dict(sorted(self._hall.refused.items())),
        )
        yield _gauge("outbox_dlr_connections", "Connections that are open.", len(self._hall))
        yield _gauge("outbox_dlr_waiting", "Callbacks that wait for a commit.", counters.waiting)


def _counter(name: str, meaning: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
