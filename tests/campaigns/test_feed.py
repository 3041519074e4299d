"""The feeder: a bounded queue, the schedule's clocks, the pace, the end, budget and holdout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.clock import HOUR, MINUTE, moscow
from tests.support.factory import number, value


async def test_no_more_than_the_queue_may_hold_are_queued(scene: Stage) -> None:
    await scene.clients(100)
    await scene.queue(20)
    await scene.launch()

    assert (await scene.feed())["fed"] == 20
    assert (await scene.feed())["fed"] == 0
    assert await scene.send(limit=8) == 8
    assert (await scene.feed())["fed"] == 8
    run = await scene.progress()
    assert (run["waiting"], run["queued"], run["decided"]) == (72, 20, 8)

    await scene.finish()
    assert await scene.messages() == {"accepted": 100}
    assert len(await factory.column(scene.conn, "select distinct msisdn from sms.message")) == 100


async def test_a_turn_takes_no_more_than_it_is_told(scene: Stage) -> None:
    await scene.clients(50)
    await scene.launch()

    assert (await scene.feed(limit=30))["fed"] == 30


async def test_each_recipient_waits_for_the_hour_on_their_own_clock(scene: Stage) -> None:
    zones = ["Europe/Kaliningrad", "Europe/Moscow", "Asia/Vladivostok"]
    for n, zone in enumerate(zones, 1):
        await scene.client(n, str(number(n)), zone)
    await scene.launch(local_time="10:00")

    opens = {
        row["name"]: row["opens_at"]
        for row in await factory.rows(
            scene.conn,
            "select name, opens_at from sms.run_zone join sms.time_zone using (zone_id)",
        )
    }
    now = datetime.now(UTC)
    for zone in zones:
        there = opens[zone].astimezone(ZoneInfo(zone))
        assert (there.hour, there.minute) == (10, 0)
        assert timedelta(0) <= opens[zone] - now + MINUTE <= timedelta(hours=25)

    first, *later = sorted(opens.values())
    assert (await scene.feed(as_of=first - MINUTE))["fed"] == 0
    assert (await scene.feed(as_of=first))["fed"] == 1
    assert (await scene.feed(as_of=later[-1] + MINUTE))["fed"] == 2


async def test_who_lives_nobody_knows_where_is_not_woken_early(scene: Stage) -> None:
    await scene.client(1, str(number(1)))
    await scene.launch(local_time="10:00")

    opens = await value(scene.conn, "select opens_at from sms.run_zone")

    west = opens.astimezone(ZoneInfo("Europe/Kaliningrad"))
    assert (west.hour, west.minute) == (10, 0)


async def test_where_it_is_quiet_people_wait_and_the_queue_stays_free(scene: Stage) -> None:
    await factory.set_quiet_hours(scene.conn, {"quiet_from": "21:00", "quiet_until": "09:00"})
    for n in range(1, 6):
        await scene.client(n, str(number(n)), "Europe/Moscow")
        await scene.client(n + 10, str(number(n + 10)), "Asia/Kamchatka")
    await scene.launch()
    night = moscow(datetime.now(UTC) + timedelta(days=1), 3)  # noon in Kamchatka

    assert (await scene.feed(as_of=night))["fed"] == 5
    zones = await factory.column(scene.conn, "select distinct time_zone from sms.outbox")
    assert zones == ["Asia/Kamchatka"]
    assert (await scene.feed(as_of=night + HOUR))["fed"] == 0
    assert (await scene.feed(as_of=night + 6 * HOUR + 2 * MINUTE))["fed"] == 5


async def test_unusable_phones_end_as_counted_refusals_whatever_the_hour(scene: Stage) -> None:
    await factory.set_quiet_hours(scene.conn, {"quiet_from": "00:00", "quiet_until": "23:59"})
    await scene.client(1, "none")
    await scene.client(2, str(number(2)), "Mars/Olympus")
    await scene.launch()
    await scene.feed()

    assert (await scene.progress())["suppressed"] == {"invalid_number": 1, "bad_time_zone": 1}
    await scene.feed()
    assert (await scene.progress())["state"] == "finished"


async def test_a_pace_is_kept_and_not_made_up_for_after_a_pause(scene: Stage) -> None:
    await scene.clients(100)
    await scene.launch(per_hour=3600)
    start = datetime.now(UTC) + MINUTE

    assert (await scene.feed(as_of=start))["fed"] == 6  # five seconds ahead
    due = await factory.column(scene.conn, "select not_before from sms.pending order by id")
    assert due == [start + timedelta(seconds=n) for n in range(6)]
    assert (await scene.feed(as_of=start))["fed"] == 0
    assert (await scene.feed(as_of=start + timedelta(seconds=10)))["fed"] == 6  # not ten
    late = await value(scene.conn, "select max(not_before) from sms.pending")
    assert late == start + timedelta(seconds=15)


async def test_what_comes_after_the_end_is_not_sent_and_counted(scene: Stage) -> None:
    await scene.clients(10)
    end = datetime.now(UTC) + HOUR
    await scene.queue(4)
    await scene.launch(ends_at=end)
    await scene.feed()
    assert set(await factory.column(scene.conn, "select expires_at from sms.pending")) == {end}

    await scene.feed(as_of=end)

    run = await scene.progress()
    assert (run["state"], run["unsent"], run["unsent_reason"]) == ("finished", 6, "expired")
    assert run["suppressed"] == {"expired": 4}
    assert "ends_at" in run["problem"]


async def test_the_holdout_is_drawn_after_the_other_rules(scene: Stage) -> None:
    await scene.clients(400)
    await scene.conn.execute(
        "insert into sms.blacklist (msisdn, reason)"
        " select %s + n, 'said so' from generate_series(1, 100) as n",
        [number(0)],
    )
    await scene.launch(holdout_percent=20)
    drawn = await factory.value(
        scene.conn,
        """
        select count(*) from erp.client as c, sms.campaign as k
         where c.client_id > 100
           and sms.holdout_draw(k.campaign_id, c.client_id, null) < k.holdout_percent
        """,
    )
    await scene.finish()

    assert 30 < drawn < 90
    assert (await scene.progress())["suppressed"] == {"blacklist": 100, "holdout": drawn}


@pytest.mark.parametrize(("budget", "sent"), [("24.99", 9), ("25", 10), ("2", 0), ("99", 20)])
async def test_a_budget_is_never_exceeded_and_used_up(scene: Stage, budget: str, sent: int) -> None:
    await scene.clients(20)
    await scene.conn.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 2.5 from sms.provider"
    )
    await scene.launch(budget=Decimal(budget))

    await scene.finish()

    run = await scene.progress()
    assert run["states"].get("accepted", 0) == sent
    assert run["cost"] == sent * Decimal("2.5") <= Decimal(budget)
    assert run["unsent"] == 20 - sent
    if sent < 20:
        assert (run["state"], run["unsent_reason"]) == ("stopped", "budget")


async def test_what_the_rules_hold_back_gives_its_share_of_the_budget_back(scene: Stage) -> None:
    await scene.clients(20)
    await scene.conn.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 1 from sms.provider"
    )
    await scene.conn.execute(
        "insert into sms.blacklist (msisdn, reason)"
        " select %s + n, 'said so' from generate_series(1, 8) as n",
        [number(0)],
    )
    await scene.launch(budget=Decimal(10))

    for step in range(20):
        await scene.feed(as_of=datetime.now(UTC) + step * timedelta(seconds=5))
        await scene.send()

    run = await scene.progress()
    assert (run["states"], run["unsent"]) == ({"accepted": 10, "suppressed": 8}, 2)
    assert run["state"] == "stopped"


async def test_a_budget_lowered_meanwhile_ends_what_is_queued(scene: Stage) -> None:
    await scene.clients(20)
    await scene.conn.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 1 from sms.provider"
    )
    await scene.launch(budget=Decimal(50))
    await scene.feed(limit=10)
    await scene.send(limit=3)

    await scene.save(budget=Decimal(2))
    for step in range(5):
        await scene.feed(as_of=datetime.now(UTC) + step * timedelta(seconds=5))

    run = await scene.progress()
    assert (run["state"], run["suppressed"], run["unsent"]) == ("stopped", {"budget": 7}, 10)


async def test_a_budget_without_a_tariff_pauses_and_says_so(scene: Stage) -> None:
    await scene.clients(2)
    await scene.launch(budget=Decimal(10))

    assert (await scene.feed())["fed"] == 0

    run = await scene.progress()
    assert run["state"] == "paused"
    assert "no tariff" in run["problem"]


async def test_two_campaigns_take_turns(scene: Stage) -> None:
    await scene.clients(40)
    await scene.queue(10)
    await scene.launch()
    await scene.conn.execute("select sms.save_campaign('autumn', 'offer', 'everybody')")
    await scene.conn.execute("select sms.launch_campaign('autumn')")

    await scene.feed()

    counts = await factory.column(
        scene.conn, "select count(*) from sms.pending group by campaign_id"
    )
    assert counts == [10, 10]


async def test_what_ended_runs_leave_is_removed_bit_by_bit(scene: Stage) -> None:
    await scene.clients(50)
    await scene.queue(10)
    await scene.launch()
    await scene.feed()
    await scene.steer("stop")

    assert [(await scene.feed(limit=30))["swept"] for _ in range(3)] == [30, 10, 0]
    assert await value(scene.conn, "select count(*) from sms.run_recipient") == 0
    assert (await scene.progress())["unsent"] == 40


async def test_work_left_knows_what_may_be_queued(scene: Stage) -> None:
    async def feeding() -> int:
        return int(await value(scene.conn, "select feeding from sms.work_left()"))

    await scene.clients(30)
    await scene.queue(10)
    await scene.launch()
    assert await feeding() == 30
    await scene.feed()
    assert await feeding() == 0  # ten are due, and counted there
    await scene.send()
    assert await feeding() == 20
    await scene.steer("pause")
    assert await feeding() == 0
    await scene.steer("resume")
    await scene.finish()
    assert await feeding() == 0


async def test_whose_run_a_message_was_is_forgotten_with_the_message(scene: Stage) -> None:
    await scene.clients(5)
    await scene.launch()
    await scene.finish()
    left = "select count(*) from sms.run_message"

    await scene.conn.execute("select sms.prune_history(now() + interval '3 months')")
    assert await value(scene.conn, left) == 5
    await scene.conn.execute(
        "update sms.setting set value = '1' where setting = 'retention_months'"
    )
    await scene.conn.execute("select sms.prune_history(now() + interval '20 days')")
    assert await value(scene.conn, left) == 5
    await scene.conn.execute("select sms.prune_history(now() + interval '3 months')")
    assert await value(scene.conn, left) == 0
