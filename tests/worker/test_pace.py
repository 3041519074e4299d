"""The token bucket, on a clock of its own."""

from __future__ import annotations

import asyncio

import pytest

from worker.pace import Pace


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock


FOREVER = float("inf")
NEVER = asyncio.Event()


async def test_a_long_run_keeps_the_rate(clock: Clock) -> None:
    pace = Pace(50, now=clock)
    start = clock.now
    for _ in range(200):
        assert await pace.take(5, urgent=False, until=FOREVER, unless=NEVER)
    assert 1000 / (clock.now - start) == pytest.approx(50, rel=0.02)


async def test_no_second_holds_more_than_the_rate_and_a_fifth(clock: Clock) -> None:
    pace = Pace(100, now=clock)
    taken: list[float] = []
    clock.now += 60  # a long rest saves up one burst, not a minute's worth
    for _ in range(500):
        await pace.take(1, urgent=False, until=FOREVER, unless=NEVER)
        taken.append(clock.now)
    busiest = max(sum(start <= at < start + 1 for at in taken) for start in taken)
    assert 100 <= busiest <= 121


async def test_a_message_longer_than_the_bucket_still_goes(clock: Clock) -> None:
    pace = Pace(2, now=clock)
    start = clock.now
    for _ in range(3):
        assert await pace.take(7, urgent=False, until=FOREVER, unless=NEVER)
    assert clock.now - start == pytest.approx(7, abs=0.6)  # 14 segments' worth of waiting


async def test_urgent_overtakes_bulk_by_a_burst_and_bulk_pays(clock: Clock) -> None:
    pace = Pace(10, now=clock)
    start = clock.now
    await pace.take(2, urgent=False, until=FOREVER, unless=NEVER)
    await pace.take(2, urgent=True, until=FOREVER, unless=NEVER)
    assert clock.now == start
    await pace.take(2, urgent=False, until=FOREVER, unless=NEVER)
    assert clock.now - start == pytest.approx(0.4)


async def test_a_turn_that_comes_too_late_is_not_taken(clock: Clock) -> None:
    pace = Pace(1, now=clock)
    await pace.take(10, urgent=False, until=FOREVER, unless=NEVER)
    start = clock.now
    assert not await pace.take(1, urgent=False, until=clock.now + 5, unless=NEVER)
    assert clock.now == start


async def test_a_taker_in_line_sees_a_faster_pace_and_a_stop(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = Pace(0.01, now=clock)
    await pace.take(10, urgent=False, until=FOREVER, unless=NEVER)
    start, stop = clock.now, asyncio.Event()

    async def meanwhile(seconds: float) -> None:
        await clock.sleep(seconds)
        if clock.now > start + 5:
            pace.set_tps(100)

    monkeypatch.setattr(asyncio, "sleep", meanwhile)
    assert await pace.take(1, urgent=False, until=FOREVER, unless=stop)
    assert clock.now < start + 6
    stop.set()
    pace.set_tps(0.01)
    await pace.take(10, urgent=True, until=FOREVER, unless=NEVER)
    assert not await pace.take(10, urgent=False, until=FOREVER, unless=stop)


async def test_throttling_slows_once_a_second_and_calm_speeds_up_again(clock: Clock) -> None:
    pace = Pace(100, now=clock)
    for _ in range(100):
        await pace.take(1, urgent=False, until=FOREVER, unless=NEVER)
    pace.throttled()
    pace.throttled()
    slow = pace.rate
    assert 40 < slow <= 70
    clock.now += 1.1
    for _ in range(30):
        await pace.take(1, urgent=False, until=FOREVER, unless=NEVER)
    pace.throttled()
    assert pace.rate < slow
    clock.now += 60
    assert pace.rate == 100


async def test_throttling_lowers_what_really_goes_out_not_a_nominal_million(clock: Clock) -> None:
    pace = Pace(1_000_000, now=clock)
    for _ in range(100):
        await pace.take(10, urgent=False, until=FOREVER, unless=NEVER)
        clock.now += 0.01
    pace.throttled()
    assert pace.rate == pytest.approx(20_000)  # never below a fiftieth


async def test_a_changed_tps_is_followed_and_a_slowed_pace_stays_slow(clock: Clock) -> None:
    pace = Pace(100, now=clock)
    pace.set_tps(200)
    assert pace.rate == 200
    await pace.take(1, urgent=False, until=FOREVER, unless=NEVER)
    pace.throttled()
    slow = pace.rate
    pace.set_tps(300)
    assert pace.rate == slow
    pace.set_tps(slow / 2)
    assert pace.rate == slow / 2


def test_a_claim_is_about_a_second_of_work(clock: Clock) -> None:
    pace = Pace(90, now=clock)
    assert pace.room() == 90
    for _ in range(50):
        pace.weigh(messages=10, segments=30)
    assert pace.room() == 30
    assert pace.chunk() == 9
    assert Pace(0.1, now=clock).room() == Pace(0.1, now=clock).chunk() == 1
