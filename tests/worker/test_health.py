"""What a worker counts about a provider: results, answer times, silence, rows of failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from outbox.calls import routes
from outbox.errors import DatabaseAway
from outbox.rows_routes import Report
from providers.base import Accepted, Rejected, Result, Retry, Uncertain
from tests.support import factory
from worker import clock, health
from worker.health import Health

TAKEN = Accepted(id=1)
REFUSED = Rejected(id=1, detail="no")
LATER = Retry(id=1, detail="not now")
THROTTLED = Retry(id=1, detail="too fast", throttled=True)
LOST = Uncertain(id=1, detail="garbled")


class Time:
    """The monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(clock, "now", made)
    return made


def only(reports: list[Report]) -> Report:
    [report] = reports
    return report


def hear(met: Health, *results: Result) -> None:
    call = met.call(len(results))
    for result in results:
        call.heard(result)
    call.end()


def test_results_are_counted_by_kind(time: Time) -> None:
    met = Health()
    hear(met, TAKEN, TAKEN, REFUSED, LATER, THROTTLED, LOST)
    report = only(met.report("main"))
    assert report.counts == {
        "accepted": 2,
        "rejected": 1,
        "failed": 1,
        "throttled": 1,
        "unanswered": 1,
    }
    assert (report.outstanding, report.overdue, report.silence_s) == (0, 0, 0)


def test_counts_start_anew_with_each_report_and_quiet_is_told_once(time: Time) -> None:
    met = Health()
    call = met.call(1)
    assert only(met.report("main")).outstanding == 1
    call.heard(TAKEN)
    call.end()
    assert only(met.report("main")).counts == {"accepted": 1}
    assert met.report("main") == []


def test_a_hang_is_seen_by_its_silence_long_before_any_time_out(time: Time) -> None:
    met = Health()
    met.call(20)
    for seconds in (1, 2, 3):
        time.pass_s(1)
        report = only(met.report("main"))
        assert (report.outstanding, report.silence_s, report.counts) == (20, seconds, {})
    assert met.silence_s() == 3


def test_any_answer_ends_the_silence_of_the_whole_provider(time: Time) -> None:
    met = Health()
    met.call(20)
    time.pass_s(4)
    hear(met, TAKEN)
    time.pass_s(1)
    assert only(met.report("main")).silence_s == 1


def test_refusals_do_not_end_a_silence(time: Time) -> None:
    met = Health()
    met.call(20)
    time.pass_s(4)
    hear(met, THROTTLED, LOST)
    assert only(met.report("main")).silence_s == 4


def test_messages_of_a_call_that_went_silent_are_overdue(time: Time) -> None:
    met = Health()
    met.follow(epoch=0, slow_s=2)
    stuck, alive = met.call(10), met.call(10)
    stuck.heard(TAKEN)
    time.pass_s(2.5)
    alive.heard(TAKEN)
    report = only(met.report("main"))
    assert (report.outstanding, report.overdue) == (18, 9)


def test_an_answer_is_slow_for_the_silence_before_it_not_for_its_turn(time: Time) -> None:
    """A batch of thirty that an adapter works through at three a second is not slow."""
    met = Health()
    met.follow(epoch=0, slow_s=2)
    call = met.call(30)
    for _ in range(10):
        time.pass_s(1)
        for _ in range(3):
            call.heard(TAKEN)
    assert "slow" not in only(met.report("main")).counts
    batch = met.call(30)
    time.pass_s(3)
    for _ in range(30):
        batch.heard(TAKEN)
    assert only(met.report("main")).counts["slow"] == 30


def test_answer_times_go_into_powers_of_two(time: Time) -> None:
    met = Health()
    for seconds in (0.0, 0.003, 0.1, 40):
        call = met.call(1)
        time.pass_s(seconds)
        call.heard(TAKEN)
        call.end()
    report = only(met.report("main"))
    assert [n for n, count in enumerate(report.times) if count] == [0, 2, 7, 15]
    assert report.max_ms == 40_000


def test_what_ends_without_a_result_is_unanswered(time: Time) -> None:
    met = Health()
    call = met.call(5)
    call.heard(TAKEN)
    call.end()
    assert only(met.report("main")).counts == {"accepted": 1, "unanswered": 4}


@pytest.mark.parametrize(("throttled", "kind"), [(True, "throttled"), (False, "failed")])
def test_what_was_not_handed_over_is_no_lost_answer(time: Time, throttled: bool, kind: str) -> None:
    met = Health()
    call = met.call(5)
    call.turned_away(throttled=throttled)
    call.end()
    assert only(met.report("main")).counts == {kind: 5}


def test_hanging_up_ourselves_says_nothing_about_the_provider(time: Time) -> None:
    met = Health()
    call = met.call(5)
    call.cut()
    call.end()
    assert met.report("main") == []


def test_a_row_of_failures_grows_until_something_is_accepted(time: Time) -> None:
    met = Health()
    hear(met, THROTTLED)
    time.pass_s(2)
    hear(met, LATER, LOST)
    time.pass_s(1)
    report = only(met.report("main"))
    assert (report.failing, report.failing_s) == (3, 3)
    hear(met, TAKEN)
    assert only(met.report("main")).failing == 0


def test_failures_far_apart_are_no_row(time: Time) -> None:
    met = Health()
    hear(met, LATER)
    met.report("main")
    time.pass_s(health.FORGET_S + 1)
    assert only(met.report("main")).failing == 0
    hear(met, LATER)
    report = only(met.report("main"))
    assert (report.failing, report.failing_s) == (1, 0)


def test_a_provider_that_cannot_be_opened_fails_without_any_message(time: Time) -> None:
    met = Health()
    met.trouble()
    time.pass_s(3)
    met.trouble()
    report = only(met.report("main"))
    assert (report.counts, report.failing, report.failing_s) == ({"troubles": 2}, 2, 3)


def test_no_room_counts_once_a_second_and_only_while_nothing_is_on_its_way(time: Time) -> None:
    met = Health()
    for _ in range(30):
        met.unready()
        time.pass_s(0.1)
    assert only(met.report("main")).failing == 3
    busy = Health()
    busy.call(1)
    busy.unready()
    assert only(busy.report("main")).failing == 0


def test_epochs_are_told_apart(time: Time) -> None:
    """What hung when the breaker opened says nothing about the probes."""
    met = Health()
    hung = met.call(3)
    met.follow(epoch=1, slow_s=5)
    hear(met, TAKEN)
    time.pass_s(10)
    hung.end()
    counts = {report.epoch: report.counts for report in met.report("main")}
    assert counts == {0: {"unanswered": 3}, 1: {"accepted": 1}}
    for _ in range(2):
        time.pass_s(health.FORGET_S + 1)
        met.report("main")
    assert met.report("main") == []
    assert met.silence_s() == 0


def test_a_report_that_did_not_arrive_is_counted_again(time: Time) -> None:
    met = Health()
    hear(met, TAKEN)
    met.put_back(only(met.report("main")))
    hear(met, TAKEN, LATER)
    report = only(met.report("main"))
    assert report.counts == {"accepted": 2, "failed": 1}
    assert sum(report.times) == 2


class Away:
    """A database that is away for the first call."""

    def __init__(self) -> None:
        self.told: list[Report] = []
        self.is_away = True

    async def call(self, function: Any, *, worker: str, reports: list[Report]) -> None:
        assert (function, worker) == (routes.report_health, "w1")
        if self.is_away:
            self.is_away = False
            raise DatabaseAway("gone")
        self.told.extend(reports)


async def test_an_outage_of_the_database_loses_no_count(time: Time) -> None:
    met, db = Health(), Away()
    hear(met, TAKEN)
    with pytest.raises(DatabaseAway):
        await health.tell(db, "w1", {"main": met})  # type: ignore[arg-type]
    await health.tell(db, "w1", {"main": met})  # type: ignore[arg-type]
    await health.tell(db, "w1", {"main": met})  # type: ignore[arg-type]
    assert [report.counts for report in db.told] == [{"accepted": 1}]


async def test_reports_arrive_in_the_table(conn: AsyncConnection) -> None:
    await factory.make_provider(conn, "main")
    met = Health()
    hear(met, TAKEN, LATER)
    await routes.report_health(conn, worker="w1", reports=met.report("main"))
    tally = await factory.row(conn, "select * from sms.provider_tally")
    assert (tally["worker"], tally["accepted"], tally["failed"]) == ("w1", 1, 1)
    assert tally["silence"] == timedelta(0)
    [row] = await routes.provider_health(conn)
    assert (row.provider, row.state, row.sent, row.error_share) == ("main", "closed", 2, 0.5)
