"""Pause, resume, stop: they reach what is queued, what comes back, and what was never queued."""

from __future__ import annotations

from datetime import timedelta

from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.factory import value


async def launched(scene: Stage, people: int = 30, queue: int = 10) -> None:
    await scene.clients(people)
    await scene.queue(queue)
    await scene.launch()
    await scene.feed()


async def test_a_paused_campaign_sends_nothing_and_goes_on_where_it_was(scene: Stage) -> None:
    await launched(scene)
    before = await factory.rows(scene.conn, "select id, not_before from sms.pending order by id")

    assert await scene.steer("pause") == 10
    assert (await scene.feed())["fed"] == 0
    assert await scene.send() == 0
    assert (await scene.progress())["state"] == "paused"

    assert await scene.steer("resume") == 10
    after = await factory.rows(scene.conn, "select id, not_before from sms.pending order by id")
    assert after == before
    await scene.finish()
    assert await scene.messages() == {"accepted": 30}


async def test_a_message_for_later_is_held_and_comes_back_to_its_own_moment(scene: Stage) -> None:
    await launched(scene)
    later = await value(
        scene.conn,
        "update sms.pending set not_before = now() + interval '7 hours'"
        " where id = (select min(id) from sms.pending) returning not_before",
    )

    await scene.steer("pause")
    await scene.steer("resume")

    assert await value(scene.conn, "select max(not_before) from sms.pending") == later


async def test_what_comes_back_to_the_queue_of_a_paused_campaign_is_held(scene: Stage) -> None:
    await launched(scene)
    claimed = await factory.claim(scene.conn, as_of=None, limit=4)
    assert await scene.steer("pause") == 6
    await factory.settle(scene.conn, claimed.claim_id, claimed.ids, "released")

    assert await scene.send() == 0  # at once, before any chore looks
    assert (await scene.feed())["held"] == 0
    assert await scene.steer("resume") == 10
    await scene.finish()
    assert await scene.messages() == {"accepted": 30}


async def test_a_stop_ends_what_is_queued_and_counts_the_rest(scene: Stage) -> None:
    await launched(scene)
    await scene.send(limit=3)

    assert await scene.steer("stop") == 27

    run = await scene.progress()
    assert (run["state"], run["unsent"], run["unsent_reason"]) == (
        "stopped",
        20,
        "campaign_stopped",
    )
    assert await scene.messages() == {"accepted": 3, "suppressed(campaign_stopped)": 7}
    assert (await scene.feed())["fed"] == 0
    assert await factory.nothing_unaccounted(scene.conn)


async def test_what_comes_back_after_a_stop_ends_at_once(scene: Stage) -> None:
    await launched(scene)
    released = await factory.claim(scene.conn, as_of=None, limit=4)
    await factory.claim(scene.conn, as_of=None, limit=3)  # by a worker that vanishes
    await scene.steer("stop")

    await factory.settle(scene.conn, released.claim_id, released.ids, "released")
    assert (await scene.messages())["suppressed(campaign_stopped)"] == 7
    await scene.conn.execute("select sms.expire_leases(p_as_of => now() + interval '1 hour')")
    assert await scene.messages() == {"suppressed(campaign_stopped)": 10}


async def test_a_doubt_resolved_after_a_stop_ends_at_once(scene: Stage) -> None:
    await launched(scene)
    claimed = await factory.claim(scene.conn, as_of=None, limit=4)
    await scene.steer("stop")
    await factory.settle(scene.conn, claimed.claim_id, claimed.ids, "uncertain")

    await scene.conn.execute("select sms.resolve_uncertain(%s, 'resend')", [claimed.ids])
    assert await scene.messages() == {"suppressed(campaign_stopped)": 10}


async def test_a_retry_after_a_stop_ends_at_the_feeders_next_look(scene: Stage) -> None:
    await launched(scene)
    claimed = await factory.claim(scene.conn, as_of=None, limit=4)
    await scene.steer("stop")
    await factory.settle(scene.conn, claimed.claim_id, claimed.ids, "retry")

    assert (await scene.feed())["held"] == 4
    assert await scene.messages() == {"suppressed(campaign_stopped)": 10}


async def test_what_a_worker_has_in_hand_goes_out(scene: Stage) -> None:
    await launched(scene)
    claimed = await factory.claim(scene.conn, as_of=None, limit=4)
    await scene.steer("stop")

    await factory.settle(scene.conn, claimed.claim_id, claimed.ids)

    assert (await scene.progress())["states"] == {"accepted": 4, "suppressed": 6}


async def test_a_stopped_campaign_may_be_launched_anew(scene: Stage) -> None:
    await launched(scene)
    await scene.steer("stop")
    await factory.change_channel(scene.conn, "planned", dedup_window=timedelta(0))

    await scene.launch()
    await scene.finish()

    assert (await scene.progress())["states"] == {"accepted": 30}
    runs = await factory.column(scene.conn, "select state from sms.campaign_run order by run_id")
    assert runs == ["stopped", "finished"]


async def test_a_pause_before_the_recipients_are_collected_holds_the_run(scene: Stage) -> None:
    await scene.clients(5)
    await scene.save()
    run_id = await value(scene.conn, "select sms.begin_run((select campaign_id from sms.campaign))")
    await scene.steer("pause")

    assert await value(scene.conn, "select sms.freeze_run(%s)", run_id) == 5

    assert (await scene.progress())["state"] == "paused"
    assert (await scene.feed())["fed"] == 0
    await scene.steer("resume")
    await scene.finish()
    assert await scene.messages() == {"accepted": 5}


async def test_other_campaigns_are_left_alone(scene: Stage) -> None:
    await launched(scene)
    await scene.conn.execute("select sms.save_campaign('autumn', 'offer', 'everybody', 'mass')")
    await scene.conn.execute("select sms.launch_campaign('autumn')")
    await scene.feed()

    await scene.steer("stop")

    others = """
        select count(*) from sms.pending join sms.campaign using (campaign_id)
         where campaign = 'autumn'
    """
    assert await value(scene.conn, others) == 10
    assert await scene.send() == 10
