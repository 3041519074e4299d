"""Periodic campaigns: right across daylight saving in a foreign zone, and after downtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from outbox.calls import campaigns
from outbox.rows_campaigns import DueRun
from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.clock import utc
from tests.support.factory import value
from worker import campaigns as chore
from worker.schedule import LATE, Begin, Move, ScheduleMistake, decide, moments

BERLIN = "Europe/Berlin"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def local(cron: str, after: datetime, count: int, zone: str = BERLIN) -> list[str]:
    """The next moments as clocks there show them, with the offset."""
    found = islice(moments(cron, zone, after), count)
    return [moment.astimezone(ZoneInfo(zone)).strftime("%d.%m. %H:%M %z") for moment in found]


def test_ten_in_berlin_is_ten_in_berlin_on_both_sides_of_the_change() -> None:
    assert local("0 10 * * *", utc("2026-03-27 12:00"), 3) == [
        "28.03. 10:00 +0100",
        "29.03. 10:00 +0200",
        "30.03. 10:00 +0200",
    ]
    assert local("0 10 * * *", utc("2026-10-23 12:00"), 3) == [
        "24.10. 10:00 +0200",
        "25.10. 10:00 +0100",
        "26.10. 10:00 +0100",
    ]


def test_a_time_that_the_clock_skips_runs_once_when_it_jumps() -> None:
    assert local("30 2 * * *", utc("2026-03-28 12:00"), 2) == [
        "29.03. 03:00 +0200",
        "30.03. 02:30 +0200",
    ]


def test_a_time_that_comes_twice_runs_once() -> None:
    assert local("30 2 * * *", utc("2026-10-24 12:00"), 2) == [
        "25.10. 02:30 +0200",
        "26.10. 02:30 +0100",
    ]


def test_every_quarter_of_an_hour_really_passes_in_the_long_night() -> None:
    found = list(islice(moments("*/15 * * * *", BERLIN, utc("2026-10-24 23:00")), 16))
    assert {later - sooner for sooner, later in pairwise(found)} == {timedelta(minutes=15)}


def test_a_zone_without_daylight_saving_and_the_other_half_of_the_world() -> None:
    assert local("0 9 * * 1", utc("2026-03-27 12:00"), 2, "Asia/Yekaterinburg") == [
        "30.03. 09:00 +0500",
        "06.04. 09:00 +0500",
    ]
    assert local("0 9 * * *", utc("2026-10-02 12:00"), 3, "Australia/Sydney") == [
        "03.10. 09:00 +1000",
        "04.10. 09:00 +1100",
        "05.10. 09:00 +1100",
    ]


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("61 * * * *", BERLIN), ("* * * *", BERLIN), ("* * * * * *", BERLIN), ("0 9 * * *", "Mars/X")],
)
def test_what_is_no_schedule_gets_a_sentence(cron: str, zone: str) -> None:
    with pytest.raises(ScheduleMistake, match="is no"):
        next(moments(cron, zone, utc("2026-01-01 00:00")))


def due(begins_at: datetime | None, missed: str, *, busy: bool = False) -> DueRun:
    """A run planned daily at ten in Berlin."""
    return DueRun(
        run_id=1,
        campaign="daily",
        cron="0 10 * * *",
        cron_zone=BERLIN,
        missed_runs=missed,
        begins_at=begins_at,
        is_busy=busy,
    )


BEFORE = utc("2026-03-28 09:00")  # 10:00 in Berlin, in winter
CHANGE = utc("2026-03-29 08:00")  # 10:00 in Berlin, in summer
AFTER = utc("2026-03-30 08:00")


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_in_time_every_policy_begins_and_plans_the_next(missed: str) -> None:
    assert decide(due(BEFORE, missed), BEFORE + LATE) == Begin(following=CHANGE)
    assert decide(due(CHANGE, missed), CHANGE) == Begin(following=AFTER)
    assert decide(due(None, missed), BEFORE + HOUR) == Move(moment=CHANGE)


def test_skip_leaves_out_what_was_missed() -> None:
    assert decide(due(BEFORE, "skip"), BEFORE + HOUR) == Move(moment=CHANGE, skipped=1)
    late = decide(due(BEFORE, "skip"), AFTER + HOUR)
    assert late == Move(moment=AFTER, skipped=2)
    assert decide(due(AFTER, "skip"), AFTER + HOUR) == Move(moment=AFTER + DAY, skipped=1)


def test_once_makes_one_run_of_all_that_was_missed() -> None:
    assert decide(due(BEFORE, "once"), AFTER + HOUR) == Move(moment=AFTER, skipped=2)
    assert decide(due(AFTER, "once"), AFTER + HOUR) == Begin(following=AFTER + DAY)


def test_all_makes_a_run_of_each() -> None:
    now = AFTER + HOUR
    assert decide(due(BEFORE, "all"), now) == Begin(following=CHANGE)
    assert decide(due(CHANGE, "all"), now) == Begin(following=AFTER)
    assert decide(due(AFTER, "all"), now) == Begin(following=AFTER + DAY)


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_a_run_waits_for_the_one_before_it(missed: str) -> None:
    assert decide(due(BEFORE, missed, busy=True), BEFORE) is None


@pytest.mark.parametrize(("missed", "runs"), [("skip", 0), ("once", 1), ("all", 3)])
async def test_after_three_missed_mornings(stage: Stage, missed: str, runs: int) -> None:
    await stage.clients(2)
    await factory.change_channel(stage.conn, "planned", dedup_window=timedelta(0))
    now = datetime.now(UTC)
    noon = now + 6 * HOUR  # a time of day far from now, so that no moment is in time
    await stage.launch(cron=f"{noon.minute} {noon.hour} * * *", cron_zone="UTC", missed_runs=missed)
    assert (await turn(stage))["runs"] == 0
    moment: datetime = await value(stage.conn, "select begins_at from sms.campaign_run")
    assert timedelta(hours=5) < moment - now < timedelta(hours=7)

    await stage.conn.execute(
        "update sms.campaign_run set begins_at = begins_at - interval '3 days'"
    )
    for _ in range(8):
        await turn(stage)
        if await value(
            stage.conn, "select exists (select from sms.campaign_run where state = 'running')"
        ):
            await stage.finish()

    states = await factory.column(stage.conn, "select state from sms.campaign_run order by run_id")
    assert states == ["finished"] * runs + ["planned"]
    assert (await stage.messages())["accepted"] == 2 * runs
    planned = "select begins_at from sms.campaign_run where state = 'planned'"
    assert await value(stage.conn, planned) == moment


async def turn(stage: Stage) -> dict[str, int]:
    """One turn of the chore, in a transaction as in the worker."""
    async with stage.conn.transaction():
        return await chore.begin_due(stage.conn)


async def test_a_moment_in_the_future_is_waited_for(stage: Stage) -> None:
    await stage.clients(2)
    await stage.launch(start_at=datetime.now(UTC) + HOUR)
    assert await value(stage.conn, "select state from sms.campaign_run") == "planned"
    assert (await turn(stage))["runs"] == 0

    await stage.clients(1, first=3)  # the audience of the moment counts, not that of the launch
    await stage.conn.execute("update sms.campaign_run set begins_at = now()")

    assert await turn(stage) == {"runs": 1, "recipients": 3}
    await stage.finish()
    assert await stage.messages() == {"accepted": 3}


async def test_a_changed_schedule_moves_the_planned_run(stage: Stage) -> None:
    await stage.launch(cron="0 9 * * *", cron_zone=BERLIN)
    await turn(stage)
    before = await value(stage.conn, "select begins_at from sms.campaign_run")

    await stage.save(cron="0 11 * * *")
    await turn(stage)

    after = await value(stage.conn, "select begins_at from sms.campaign_run")
    assert abs(after - before) in {2 * HOUR, 22 * HOUR}


async def test_a_schedule_is_paused_resumed_and_stopped_like_a_run(stage: Stage) -> None:
    await stage.launch(cron="* * * * *", cron_zone=BERLIN)
    await turn(stage)
    await stage.conn.execute("update sms.campaign_run set begins_at = now()")

    await stage.steer("pause")
    assert (await turn(stage))["runs"] == 0
    await stage.steer("resume")
    assert (await turn(stage))["runs"] == 1
    await stage.steer("stop")

    states = await factory.column(stage.conn, "select state from sms.campaign_run")
    assert states == ["stopped", "stopped"]


async def test_no_run_is_planned_past_the_end(stage: Stage) -> None:
    await stage.launch(
        cron="0 9 * * *", cron_zone=BERLIN, ends_at=datetime.now(UTC) + timedelta(seconds=1)
    )

    await turn(stage)

    run = await factory.row(stage.conn, "select state, problem from sms.campaign_run")
    assert run["state"] == "stopped"
    assert "no further moment" in run["problem"]


async def test_a_run_that_cannot_begin_says_why_and_the_next_is_planned(stage: Stage) -> None:
    await stage.launch(cron="* * * * *", cron_zone=BERLIN)
    await turn(stage)
    await stage.conn.execute("select sms.remove_audience('everybody')")
    await stage.conn.execute("update sms.campaign_run set begins_at = now()")

    await turn(stage)

    first, second = await factory.rows(
        stage.conn, "select state, problem from sms.campaign_run order by run_id"
    )
    assert (first["state"], second["state"]) == ("failed", "planned")
    assert "everybody" in first["problem"]
    assert await campaigns.unfrozen_runs(stage.conn) == []
