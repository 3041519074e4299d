"""What a process counts, without a database and without a port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from outbox.calls.monitoring import MetricValue
from outbox.errors import DatabaseAway, NotAllowed, SettingsMistake
from outbox.metrics import Metrics
from providers.base import Accepted
from tests.monitoring.conftest import Scrape
from worker import clock
from worker.health import STEPS, Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a second brought."""

    provider: str
    counts: Mapping[str, int]
    times: Sequence[int]
    answered_s: float


def told(metrics: Metrics) -> Scrape:
    return Scrape(generate_latest(metrics.registry).decode())


def test_results_are_messages_and_slowness_and_troubles_are_counted_apart() -> None:
    metrics = Metrics()
    counts = {"accepted": 5, "failed": 2, "slow": 1, "troubles": 3}
    for _ in range(2):
        metrics.results([Met(provider="post", counts=counts, times=[1, 4], answered_s=0.25)])
    seen = told(metrics)
    assert sum(seen.having("outbox_results_total").values()) == 14
    assert seen.get("outbox_results_total", provider="post", result="failed") == 4
    assert seen.get("outbox_slow_answers_total", provider="post") == 2
    assert seen.get("outbox_provider_troubles_total", provider="post") == 6
    assert seen.get("outbox_answer_seconds_sum", provider="post") == 0.5


@pytest.mark.parametrize(
    ("seconds", "edge"),
    [(0.0004, "0.001"), (0.0015, "0.002"), (0.0021, "0.004"), (0.9, "1.024"), (60.0, "+Inf")],
)
def test_an_answer_falls_into_the_bucket_that_holds_its_time(
    seconds: float, edge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([100.0, 100.0, 100.0 + seconds])
    monkeypatch.setattr(clock, "now", lambda: next(moments, 100.0 + seconds))
    known = Health()
    call = known.call(1)
    moments = iter([100.0 + seconds])
    call.heard(Accepted(id=1))
    call.end()
    metrics = Metrics()
    metrics.results(known.report("post"))
    seen = told(metrics)
    full = {
        dict(labels)["le"]
        for (_, labels), value in seen.having("outbox_answer_seconds_bucket").items()
        if value == 1
    }
    assert min(full, key=float) == edge
    total = seen.get("outbox_answer_seconds_sum", provider="post")
    assert total == pytest.approx(seconds, abs=1e-6)


def test_what_could_not_be_told_to_the_database_is_counted_once_it_is() -> None:
    known = Health()
    known.call(1).heard(Accepted(id=1))
    [report] = known.report("post")
    assert sum(report.times) == 1
    known.put_back(report)
    [again] = known.report("post")
    assert (again.times, again.answered_s, again.counts) == (
        report.times,
        report.answered_s,
        report.counts,
    )
    assert len(again.times) == STEPS


async def test_a_refusal_is_told_once_and_an_absence_elsewhere() -> None:
    metrics, stopping = Metrics(), asyncio.Event()
    answers: list[Exception] = [NotAllowed("no"), NotAllowed("no"), DatabaseAway("away")]

    async def ask() -> list[MetricValue]:
        if answers:
            raise answers.pop(0)
        stopping.set()
        return [MetricValue(metric="outbox_money_today", labels={"channel": "mass"}, value=2.0)]

    with pytest.MonkeyPatch.context() as patch, capture_logs() as logs:
        patch.setattr("outbox.metrics.REFRESH_S", 0.01)
        await metrics.keep_fresh(ask, stopping)
    assert [(line["event"], line["error"]) for line in logs] == [("metrics_refused", "no")]
    seen = told(metrics)
    assert seen.get("outbox_database_up") == 1
    assert seen.get("outbox_money_today", channel="mass") == 2


async def test_a_label_may_hold_anything() -> None:
    metrics, stopping = Metrics(), asyncio.Event()
    name = 'spring "sale"\n\\ {x="y"}'

    async def ask() -> list[MetricValue]:
        stopping.set()
        value = {"metric": "outbox_campaign_waiting_recipients", "value": 1.0}
        return [MetricValue(labels={"campaign": name}, **value)]  # type: ignore[arg-type]

    await metrics.keep_fresh(ask, stopping)
    assert told(metrics).get("outbox_campaign_waiting_recipients", campaign=name) == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_that_is_not_ours_is_a_mistake_of_the_settings(host: str) -> None:
    with pytest.raises(SettingsMistake, match="OUTBOX_METRICS_HOST"):
        async with Metrics().listening(host=host, port=0):
            pass
