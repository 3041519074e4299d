"""Every move of a breaker, and what is no reason for one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.routes.night import Night
from tests.support import factory

ILL: dict[str, dict[str, Any]] = {
    "silent": {"outstanding": 3, "silence_s": 5},
    "refusing": {"throttled": 4, "failing": 4, "failing_s": 3},
    "errors": {"accepted": 5, "failed": 3, "unanswered": 2},
    "slow": {"accepted": 10, "slow": 6},
    "rejects_all": {"rejected": 10},
}
WELL: dict[str, dict[str, Any]] = {
    "nothing": {},
    "one lost answer": {"accepted": 9, "unanswered": 1},
    "too few to tell": {"accepted": 4, "failed": 5},
    "a slow answer that others overtook": {"accepted": 30, "outstanding": 1, "silence_s": 4.9},
    "silence with nothing waiting": {"accepted": 1, "silence_s": 60},
    "a burst that is throttled": {"accepted": 1, "throttled": 99, "failing": 2, "failing_s": 2},
    "a short refusal": {"throttled": 50, "failing": 50, "failing_s": 2.9},
    "one refusal long ago": {"throttled": 1, "failing": 1, "failing_s": 20},
    "rejections among others": {"rejected": 99, "accepted": 1},
    "a few rejections": {"rejected": 9},
}


@pytest.mark.parametrize("cause", ILL)
async def test_illness_opens_it_within_one_look(routed: Night, cause: str) -> None:
    await routed.meet("a", **ILL[cause])

    moved = await routed.pass_s()

    assert (moved["opened"], await routed.causes("a")) == (1, [("open", cause)])
    assert await routed.states() == {"a": "open", "b": "closed"}


@pytest.mark.parametrize("what", WELL)
async def test_what_is_no_illness(routed: Night, what: str) -> None:
    await routed.meet("a", **WELL[what])

    await routed.pass_s()

    assert await routed.states() == {"a": "closed", "b": "closed"}
    assert await routed.causes("a") == []


async def test_a_provider_without_room_for_anything_is_as_good_as_refusing(routed: Night) -> None:
    """A gateway whose link is down answers nothing and takes nothing: no message ever fails."""
    await routed.meet("a", failing=3, failing_s=3)
    await routed.pass_s()
    assert await routed.causes("a") == [("open", "refusing")]


async def test_a_low_traffic_provider_needs_two_refusals_five_seconds_apart(routed: Night) -> None:
    await routed.meet("a", throttled=1, failing=2, failing_s=4.9)
    await routed.pass_s()
    assert await routed.state("a") == "closed"

    await routed.meet("a", failing=2, failing_s=5.9)
    await routed.pass_s()
    assert await routed.causes("a") == [("open", "refusing")]


async def test_errors_count_only_within_the_window(routed: Night) -> None:
    await routed.meet("a", failed=9)
    await routed.pass_s(21)
    await routed.meet("a", failed=9)

    await routed.pass_s()

    assert await routed.state("a") == "closed"


async def test_throttling_that_persists_is_illness(routed: Night) -> None:
    seconds = 0
    while await routed.state("a") == "closed":
        await routed.meet("a", accepted=2, throttled=3)
        await routed.pass_s()
        seconds += 1
    assert await routed.causes("a") == [("open", "throttled")]
    assert 4 <= seconds <= 7


async def test_a_throttled_provider_that_takes_most_stays(routed: Night) -> None:
    for _ in range(30):
        await routed.meet("a", accepted=6, throttled=4)
        await routed.pass_s()
    assert await routed.state("a") == "closed"


async def test_after_the_cool_down_it_is_tried(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(14)
    assert await routed.state("a") == "open"

    moved = await routed.pass_s(1)

    assert moved["tried"] == 1
    assert await routed.state("a") == "half_open"
    assert await factory.value(routed.db, "select max(probes_left) from sms.breaker") == 5


@pytest.mark.parametrize(
    "answers",
    [{"accepted": 5}, {"accepted": 4, "failed": 1}, {"accepted": 1, "rejected": 4}],
    ids=["all taken", "one failed", "rejections are answers"],
)
async def test_probes_that_go_well_close_it(routed: Night, answers: dict[str, Any]) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(15)
    await routed.meet("a", **answers)

    await routed.pass_s()

    assert (await routed.causes("a"))[1:] == [
        ("half_open", "cool_down_over"),
        ("closed", "probes_well"),
    ]


async def test_too_few_answers_decide_nothing_yet(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(15)
    await routed.meet("a", accepted=4)
    await routed.pass_s()
    assert await routed.state("a") == "half_open"


@pytest.mark.parametrize(
    "answers",
    [
        {"accepted": 3, "failed": 2},
        {"throttled": 5},
        {"rejected": 5},
        {"unanswered": 2},
        {"troubles": 2},
        {"outstanding": 1, "silence_s": 5},
        {"outstanding": 5, "overdue": 5, "silence_s": 1},
        {"failing": 3, "failing_s": 3},
    ],
    ids=[
        "failed",
        "throttled",
        "rejected",
        "lost",
        "cannot be opened",
        "silent",
        "overdue",
        "has no room",
    ],
)
async def test_probes_that_go_badly_open_it_for_twice_as_long(
    routed: Night, answers: dict[str, Any]
) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(15)
    await routed.meet("a", **answers)

    await routed.pass_s()

    assert (await routed.causes("a"))[-1] == ("open", "probes_failed")
    retry_at = await factory.value(routed.db, "select max(retry_at) from sms.breaker")
    assert retry_at == routed.now + timedelta(seconds=30)


async def test_the_cool_down_doubles_up_to_its_limit(routed: Night) -> None:
    await routed.db.execute("select sms.set_breaker('a', '{\"max_cool_down\": \"1 minute\"}')")
    await routed.fall_ill("a")
    lengths = []
    for _ in range(4):
        opened = routed.now
        while await routed.state("a") == "open":
            await routed.pass_s()
        lengths.append((routed.now - opened).total_seconds())
        await routed.meet("a", failed=5)
        await routed.pass_s()
    assert lengths == [15, 30, 60, 60]


async def test_a_calm_makes_the_next_cool_down_short_again(routed: Night) -> None:
    for _ in range(2):
        await routed.fall_ill("a")
        await routed.recover("a")
    await routed.pass_s(601)
    await routed.fall_ill("a")
    openings = await factory.value(routed.db, "select max(openings) from sms.breaker")
    assert openings == 1


async def test_without_a_calm_it_is_left_alone_for_longer(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.recover("a")
    await routed.pass_s(60)
    await routed.fall_ill("a")
    retry_at = await factory.value(routed.db, "select max(retry_at) from sms.breaker")
    assert retry_at == routed.now + timedelta(seconds=30)


async def test_late_results_of_before_say_nothing_about_the_probes(routed: Night) -> None:
    """The time-outs of what hung when it opened arrive while it is being tried."""
    before = await routed.epoch("a")
    await routed.fall_ill("a")
    await routed.pass_s(15)
    routed.epochs[""] = before
    await routed.meet("a", unanswered=100, failing=100, failing_s=20)
    routed.epochs.clear()
    await routed.meet("a", accepted=5)

    await routed.pass_s()

    assert await routed.state("a") == "closed"


async def test_probes_nobody_answered_are_given_again(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(15)
    await routed.db.execute("update sms.breaker set probes_left = 0 where state = 'half_open'")
    await routed.pass_s(5)
    assert await factory.value(routed.db, "select max(probes_left) from sms.breaker") == 0

    await routed.pass_s(5)

    assert await factory.value(routed.db, "select max(probes_left) from sms.breaker") == 5


async def test_one_worker_with_a_broken_line_does_not_condemn_a_provider(routed: Night) -> None:
    """It meets nothing but silence; two others are served well."""
    for worker in ("w2", "w3"):
        await routed.meet("a", worker=worker, accepted=10)
    await routed.meet("a", worker="w1", unanswered=100, outstanding=160, silence_s=30)

    await routed.pass_s()

    assert await routed.state("a") == "closed"


async def test_workers_that_cannot_even_open_it_abstain_while_another_is_served(
    routed: Night,
) -> None:
    """They lack the secret, or all binds are taken."""
    for worker in ("w1", "w2"):
        await routed.meet("a", worker=worker, troubles=9, failing=9, failing_s=9)
    await routed.meet("a", worker="w3", accepted=1)
    await routed.pass_s()
    assert await routed.state("a") == "closed"


async def test_when_nobody_can_open_it_it_is_ill(routed: Night) -> None:
    for worker in ("w1", "w2"):
        await routed.meet("a", worker=worker, troubles=2, failing=2, failing_s=5)
    await routed.pass_s()
    assert await routed.causes("a") == [("open", "refusing")]


async def test_when_most_workers_meet_illness_it_opens(routed: Night) -> None:
    await routed.meet("a", worker="w3", accepted=500)
    for worker in ("w1", "w2"):
        await routed.meet("a", worker=worker, outstanding=160, silence_s=30)

    await routed.pass_s()

    assert await routed.causes("a") == [("open", "silent")]


async def test_two_workers_that_disagree_leave_it_as_it_is(routed: Night) -> None:
    for _ in range(10):
        await routed.meet("a", worker="w1", outstanding=160, silence_s=30)
        await routed.meet("a", worker="w2", accepted=10)
        await routed.pass_s()
    assert await routed.state("a") == "closed"


async def test_a_worker_that_died_has_no_opinion(routed: Night) -> None:
    await routed.meet("a", outstanding=160, silence_s=4)
    await routed.pass_s(6)
    assert await routed.state("a") == "closed"


async def test_old_tallies_are_forgotten(routed: Night) -> None:
    await routed.meet("a", accepted=1)
    await routed.pass_s(601)
    assert await factory.value(routed.db, "select count(*) from sms.provider_tally") == 0


async def test_reports_of_one_worker_add_up(routed: Night) -> None:
    await routed.meet("a", accepted=1, times=[0, 1], max_ms=1, outstanding=7)
    await routed.meet("a", accepted=2, times=[0, 0, 2], max_ms=3, outstanding=1)
    tally = await factory.row(routed.db, "select * from sms.provider_tally")
    assert (tally["accepted"], tally["times"], tally["max_ms"]) == (3, [0, 1, 2], 3)
    assert tally["outstanding"] == 1


async def test_a_report_about_a_provider_that_is_gone_is_left_out(routed: Night) -> None:
    report = Jsonb([{"provider": "gone", "epoch": 0, "accepted": 1}])
    await routed.db.execute("select sms.report_health('w1', %s)", [report])
    assert await factory.value(routed.db, "select count(*) from sms.provider_tally") == 0


async def test_every_move_is_told(routed: Night) -> None:
    await routed.fall_ill("a")
    told = await factory.column(
        routed.db, "select payload from sms.route_notice where payload ->> 'kind' = 'breaker'"
    )
    assert [(note["provider"], note["from"], note["to"], note["cause"]) for note in told] == [
        ("a", "closed", "open", "silent")
    ]
    assert "silent for 60.0 s" in told[0]["figures"]
