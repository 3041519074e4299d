"""A launch: who becomes a recipient, what is pinned, and what is refused in a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.campaigns.stage import NAME, Stage
from tests.conftest import AsRole
from tests.support import factory
from tests.support.clock import NOON
from tests.support.factory import number, value


async def refused(conn: AsyncConnection, query: str, *params: Any) -> psycopg.Error:
    """The error of a statement, whose transaction goes on."""
    with pytest.raises(psycopg.Error) as caught:
        async with conn.transaction():
            await conn.execute(query.encode(), params)
    return caught.value


async def test_everybody_is_a_recipient_once_however_often_the_audience_names_them(
    scene: Stage,
) -> None:
    await scene.clients(5)
    await scene.client(6, str(number(1)))  # the number of client 1
    await scene.client(7, "спросить у мамы")
    await scene.client(8, None)
    await scene.audience(
        "twice", "select c.client_id, c.phone from erp.client as c, generate_series(1, 2)"
    )

    await scene.launch(audience="twice")

    run = await scene.progress()
    assert (run["state"], run["recipients"], run["repeated"]) == ("running", 7, 9)
    await scene.finish()
    assert await scene.messages() == {"accepted": 5, "suppressed(invalid_number)": 2}
    assert (await scene.progress())["state"] == "finished"


async def test_of_several_phones_of_a_client_one_that_can_be_used_is_taken(scene: Stage) -> None:
    await scene.client(1, "none")
    await scene.audience(
        "phones",
        """
        select c.client_id, p.phone from erp.client as c,
               (values ('not a phone'), ('+7 907 000-00-02'), ('89070000003')) as p (phone)
        """,
    )

    await scene.launch(audience="phones")
    await scene.finish()

    assert await scene.messages() == {"accepted": 1}
    assert await value(scene.conn, "select msisdn from sms.message") == number(2)


async def test_the_text_of_the_launch_stays_whatever_is_written_later(scene: Stage) -> None:
    await scene.clients(2)
    await scene.launch()
    await scene.conn.execute(
        "insert into sms.template_version (template_id, body) select template_id, 'Другой текст'"
        "  from sms.template where template = 'offer'"
    )

    await scene.feed()
    claimed = await factory.claim(scene.conn, as_of=None)

    assert (await scene.progress())["template"] == "offer@1"
    assert set(claimed.bodies) == {"Здравствуйте, клиент!"}


async def test_columns_of_the_audience_fill_the_text(scene: Stage) -> None:
    await scene.clients(1)
    await scene.audience(
        "named", "select client_id, phone, 'Анна'::text as name, 3 as visits from erp.client"
    )

    await scene.launch(audience="named")
    await scene.feed()

    assert (await factory.claim(scene.conn, as_of=None)).bodies == ["Здравствуйте, Анна!"]
    assert await value(scene.conn, "select client_id from sms.outbox") == 1


async def test_a_launch_that_its_launcher_did_not_finish_is_carried_on(scene: Stage) -> None:
    await scene.clients(3)
    await scene.save()
    run_id = await value(scene.conn, "select sms.begin_run((select campaign_id from sms.campaign))")
    assert (await scene.progress())["state"] == "freezing"

    found = await factory.column(
        scene.conn,
        "select * from sms.unfrozen_runs(clock_timestamp() + interval '1 minute')",
    )
    assert found == [run_id]
    assert await value(scene.conn, "select sms.freeze_run(%s)", run_id) == 3
    assert await value(scene.conn, "select sms.freeze_run(%s)", run_id) is None

    await scene.finish()
    assert await scene.messages() == {"accepted": 3}


async def test_a_run_under_way_is_not_launched_again(scene: Stage) -> None:
    await scene.clients(3)
    await scene.launch()

    error = await refused(scene.conn, "select sms.launch_campaign('spring')")

    assert error.sqlstate == "SM042"
    assert 'campaign "spring" is running already' in str(error)
    await scene.finish()
    await scene.launch()
    assert (await scene.progress())["recipients"] == 3


async def test_of_two_launches_at_once_one_is_refused(stage: Stage, dsn: str) -> None:
    await stage.clients(3)
    await stage.save()
    async with await AsyncConnection.connect(dsn) as other:
        await other.execute("select sms.launch_campaign('spring')")
        error = await refused(stage.conn, "select sms.launch_campaign('spring')")
        await other.commit()

    assert error.sqlstate == "SM042"
    assert "is being launched right now" in str(error)
    assert await value(stage.conn, "select count(*) from sms.campaign_run") == 1


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("select sms.launch_campaign('nowhere')", "SM040", 'unknown campaign "nowhere"'),
        ("select sms.launch_campaign(4711)", "SM040", 'unknown campaign "4711"'),
        ("select sms.launch_campaign('bare')", "SM041", "has no template yet"),
        ("select sms.pause_campaign('bare')", "SM043", "it was never launched"),
        ("select sms.resume_campaign('bare')", "SM043", "cannot be resumed"),
        ("select sms.stop_campaign('bare')", "SM043", "cannot be stopped"),
        ("select sms.save_campaign('x', p_template => 'nope')", "SM002", "unknown template"),
        ("select sms.save_campaign('x', 'offer@7')", "SM002", "has no version 7"),
        ("select sms.save_campaign('x', p_audience => 'nope')", "SM046", "unknown audience"),
        ("select sms.save_campaign('x', p_channel => 'smoke')", "SM001", "unknown channel"),
        (
            "select sms.save_campaign('x', p_cron => '0 9 * * *', p_cron_zone => 'Mars')",
            "SM046",
            "unknown time zone",
        ),
        ("select sms.save_campaign('x', p_cron => '0 9 * * *')", "23514", "needs its time zone"),
        (
            "select sms.save_campaign('x', p_cron => '5,99/2 99 * * *', p_cron_zone => 'UTC')",
            "23514",
            "cron: minute 99 is beyond 0 to 59",
        ),
        (
            "select sms.save_campaign('x', p_cron => '0 9 * * 5-1', p_cron_zone => 'UTC')",
            "23514",
            "cron: weekday 5-1 runs backwards",
        ),
        (
            "select sms.save_campaign('x', p_cron => 'x', p_cron_zone => 'UTC')",
            "23514",
            '"cron has five fields: minute hour day month weekday"',
        ),
        ("select sms.save_campaign(null)", "23514", "needs a name"),
        ("select sms.save_campaign('x', p_budget => 'NaN')", "23514", "a budget is a number"),
        ("select sms.save_campaign('x', p_start_at => 'infinity')", "23514", "from 2000 to 9998"),
        ("select sms.save_campaign('x', p_ends_at => 'infinity')", "23514", "from 2000 to 9998"),
        ("select sms.save_campaign('x', p_local_time => '24:00')", "23514", "00:00 to 23:59"),
        ("select sms.launch_campaign(999)", "SM040", 'unknown campaign "999"'),
        ("select sms.save_campaign('x', p_missed_runs => 'never')", "23514", "skip, once or all"),
        ("select sms.save_campaign('x', p_per_hour => 0)", "23514", "an hour"),
        ("select sms.save_campaign('x', p_budget => 0)", "23514", "more than nothing"),
        ("select sms.save_campaign('x', p_clear => '{name}')", "SM046", "cannot clear"),
        (
            "insert into sms.campaign (campaign, start_at, ends_at) values ('x', now(), now())",
            "23514",
            "starts before it ends",
        ),
    ],
)
async def test_nonsense_gets_a_sentence(scene: Stage, query: str, code: str, words: str) -> None:
    await scene.conn.execute("insert into sms.campaign (campaign) values ('bare')")

    error = await refused(scene.conn, query)

    assert error.sqlstate == code
    assert words in str(error)


async def test_a_campaign_called_by_the_number_of_another_is_not_taken_for_it(
    scene: Stage,
) -> None:
    await scene.clients(3)
    await scene.save()
    mine = await factory.value(scene.conn, "select campaign_id from sms.campaign")
    await scene.conn.execute(
        "select sms.save_campaign(%s, 'offer', 'everybody', 'mass', p_needs_release => true)",
        [str(mine)],
    )

    await scene.conn.execute("select sms.launch_campaign('spring')")

    [run] = await factory.rows(scene.conn, "select campaign_id, channel from sms.campaign_run")
    assert (run["campaign_id"], run["channel"]) == (mine, "planned")
    error = await refused(scene.conn, f"select sms.resume_campaign({mine})")
    assert "spring" in str(error)
    error = await refused(scene.conn, f"select sms.release_campaign({mine})")
    assert "spring" in str(error)


async def test_a_text_that_needs_what_nobody_selects_is_not_launched(scene: Stage) -> None:
    await scene.clients(1)
    await factory.add_template(
        scene.conn, "due", "{{name|Клиент}}, {{sum}} р. до {{day}}, {{phone}}"
    )
    await scene.audience("owing", "select client_id, phone, 5 as sum from erp.client")
    await scene.save(template="due", audience="owing")

    error = await refused(scene.conn, "select sms.launch_campaign('spring')")

    assert error.sqlstate == "SM048"
    assert error.diag.message_primary == (
        'audience "owing" does not select what template "due" needs: day, phone'
    )
    await value(scene.conn, "select sms.save_template('due', '{{name|Клиент}}, {{sum}} р.')")
    await scene.launch(template="due", audience="owing")
    await scene.finish()
    assert await scene.messages() == {"accepted": 1}


async def test_a_campaign_that_is_over_is_not_launched(scene: Stage) -> None:
    await scene.save(ends_at=NOON - timedelta(days=365 * 8))

    error = await refused(scene.conn, "select sms.launch_campaign('spring')")

    assert error.sqlstate == "SM047"


async def test_an_audience_that_fails_leaves_nothing_behind(scene: Stage) -> None:
    await scene.audience(
        "broken", "select client_id, phone, 1 / (client_id - 1) as x from erp.client"
    )
    await scene.clients(2)
    await scene.save(audience="broken")

    error = await refused(scene.conn, "select sms.launch_campaign('spring')")

    assert error.sqlstate == "SM031"
    assert await value(scene.conn, "select count(*) from sms.campaign_run") == 0
    assert await value(scene.conn, "select count(*) from sms.run_recipient") == 0


async def test_four_eyes(stage: Stage, as_role: AsRole) -> None:
    await stage.clients(1)
    for login in ("anna_test_writes", "boris_test_reads"):
        await stage.conn.execute(f"drop role if exists {login}")  # roles outlive a database
        await stage.conn.execute(f"create role {login} in role sms_operator")
    anna, boris = await as_role("anna_test_writes"), await as_role("boris_test_reads")
    try:
        await anna.execute(
            "select sms.save_campaign('spring', 'offer', 'everybody', p_needs_release => true)"
        )
        launch, release = (
            "select sms.launch_campaign('spring')",
            "select sms.release_campaign('spring')",
        )

        assert (await refused(anna, launch)).sqlstate == "SM044"
        assert (await refused(anna, release)).sqlstate == "SM045"
        forged = (
            "update sms.campaign"
            "   set released_at = now(), released_by = 'boris', released_digest = 'x'"
        )
        assert (await refused(anna, forged)).sqlstate == "SM045"
        waived = "update sms.campaign set needs_release = false"
        assert (await refused(anna, waived)).sqlstate == "SM045"

        await boris.execute(release)
        await anna.execute("select sms.save_campaign('spring', p_holdout_percent => 10)")
        error = await refused(anna, launch)
        assert error.sqlstate == "SM044"
        assert "changed since" in str(error)

        await boris.execute(release)
        await anna.execute(
            "insert into sms.template_version (template_id, body) select template_id, 'Новое'"
            "  from sms.template where template = 'offer'"
        )
        assert (await refused(boris, launch)).sqlstate == "SM044"
        await boris.execute(release)
        await anna.execute(launch)
    finally:
        await anna.close()
        await boris.close()
        for login in ("anna_test_writes", "boris_test_reads"):
            await stage.conn.execute(f"drop role {login}")
    released = await factory.column(
        stage.conn, "select done_by from sms.activity where action = 'released'"
    )
    assert released == ["boris_test_reads"] * 3


async def test_everything_people_do_is_written_down(scene: Stage) -> None:
    await scene.clients(2)
    await scene.launch()
    await scene.save(holdout_percent=5)
    for verb in ("pause", "resume", "stop"):
        await scene.steer(verb)

    assert await scene.acts() == [
        "created", "launched", "frozen", "changed", "paused", "resumed", "stopped",
    ]  # fmt: skip
    detail = await value(scene.conn, "select detail from sms.activity where action = 'changed'")
    assert detail == {"holdout_percent": 5.00}
    assert await value(scene.conn, "select name from sms.activity where action = 'paused'") == NAME
