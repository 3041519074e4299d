"""Four eyes: who wrote a part of a campaign never releases it, before the launch and while it "
"runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from cli import program
from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.factory import value
from tests.support.logins import Logins, logins

RELEASE: LiteralString = "select sms.release_campaign('spring')"
LAUNCH: LiteralString = "select sms.launch_campaign('spring')"
RESUME: LiteralString = "select sms.resume_campaign('spring')"
CREATE: LiteralString = (
    "select sms.save_campaign('spring', 'offer', 'everybody', p_needs_release => true)"
)


class Office:
    """Two who write, one who only looks, and the campaign `spring`."""

    def __init__(self, stage: Stage, people: Logins) -> None:
        self.stage = stage
        self.people = people
        self.conn = stage.conn

    async def run(self) -> factory.Row:
        """How the run stands."""
        return await self.stage.progress()


@pytest.fixture
async def office(conn: AsyncConnection, dsn: str) -> AsyncIterator[Office]:
    """Thirty clients; the text and the audience are the owner's."""
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    await conn.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 1 from sms.provider"
    )
    await factory.add_template(conn, "offer", "Здравствуйте!")
    stage = Stage(conn)
    await stage.audience("everybody", "select client_id, phone from erp.client")
    await stage.clients(30)
    async with logins(conn, dsn) as people:
        yield Office(stage, people)


async def refused(conn: AsyncConnection, query: LiteralString) -> str:
    """The code of an error of ours."""
    with pytest.raises(psycopg.Error) as caught:
        await conn.execute(query)
    return str(caught.value.sqlstate)


async def operators(office: Office, *names: str) -> list[AsyncConnection]:
    """Operators of these names."""
    return [await office.people.connect(name, "sms_operator") for name in names]


async def launched(office: Office, author: AsyncConnection, second: AsyncConnection) -> None:
    """A campaign with a budget, written by one, released by the other, under way."""
    await author.execute(CREATE)
    await author.execute("select sms.save_campaign('spring', p_budget => 10)")
    await second.execute(RELEASE)
    await author.execute(LAUNCH)
    await office.stage.feed()
    assert (await office.run())["queued"] == 10


@pytest.mark.parametrize(
    "write",
    [
        "insert into sms.template_version (template_id, body, created_by)"
        " select template_id, 'Иное', 'boss' from sms.template where template = 'offer'",
        "select sms.save_template('offer', 'Иное')",
        "select sms.save_audience('everybody', 'select client_id, phone from erp.client where "
        "true')",
        "update sms.audience set query = 'select client_id, phone from erp.client where true'",
        "select sms.save_campaign('spring', p_budget => 500)",
        "select sms.save_campaign('spring', p_per_hour => 500)",
        "select sms.save_campaign('spring', p_ends_at => now() + interval '1 day')",
    ],
)
async def test_whoever_wrote_a_part_does_not_release_it(
    office: Office, write: LiteralString
) -> None:
    anna, boris, clara = await operators(office, "anna", "boris", "clara")
    await anna.execute(CREATE)
    await boris.execute(write)
    await anna.execute("select sms.save_campaign('spring', p_holdout_percent => 1)")

    assert await refused(anna, RELEASE) == "SM045"
    assert await refused(boris, RELEASE) == "SM045"  # not only the last who wrote
    await clara.execute(RELEASE)
    await anna.execute(LAUNCH)
    assert await value(office.conn, "select released_by from sms.campaign") == office.people.name(
        "clara"
    )


async def test_a_name_given_with_a_text_is_the_one_who_wrote_it(office: Office) -> None:
    [anna] = await operators(office, "anna")
    await anna.execute(
        "insert into sms.template_version (template_id, body, created_by, created_at)"
        " select template_id, 'Иное', 'boss', '2020-01-01' from sms.template where template = "
        "'offer'"
    )
    newest = await factory.row(
        office.conn,
        "select created_by, created_at > now() - interval '1 hour' as is_now"
        "  from sms.template_version order by template_version_id desc limit 1",
    )
    assert newest == {"created_by": office.people.name("anna"), "is_now": True}


async def test_the_author_of_an_audience_inside_the_audience(office: Office) -> None:
    anna, boris, clara = await operators(office, "anna", "boris", "clara")
    await boris.execute(
        "select sms.save_audience('inner', 'select client_id, phone from erp.client')"
    )
    await anna.execute(
        "select sms.save_audience('outer', $$select client_id, phone from "
        "sms.run_audience('inner')$$)"
    )
    await anna.execute(CREATE)
    await anna.execute("select sms.save_campaign('spring', p_audience => 'outer')")
    assert await refused(boris, RELEASE) == "SM045"
    await clara.execute(RELEASE)
    await boris.execute(
        "select sms.save_audience('inner', 'select 1 as client_id, ''79070000001'' as phone')"
    )
    assert await refused(anna, LAUNCH) == "SM044"


async def test_values_overwritten_by_another_still_have_both_authors(office: Office) -> None:
    anna, boris, clara = await operators(office, "anna", "boris", "clara")
    await anna.execute(CREATE)
    await clara.execute(RELEASE)
    await boris.execute("select sms.save_campaign('spring', p_budget => 5000)")
    await anna.execute("select sms.save_campaign('spring', p_budget => 6000)")
    assert await refused(boris, RELEASE) == "SM045"
    await clara.execute(RELEASE)
    await anna.execute(
        "update sms.campaign set writers = '{}', authors = '{}', created_by = 'x', changed_by = 'x'"
    )
    assert await refused(anna, RELEASE) == "SM045"


@pytest.mark.parametrize(
    "change",
    [
        "select sms.save_campaign('spring', p_budget => 10000)",
        "select sms.save_campaign('spring', p_budget => 9)",
        "select sms.save_campaign('spring', p_per_hour => 100000)",
        "select sms.save_campaign('spring', p_ends_at => now() + interval '9 days')",
        "select sms.save_template('offer', 'Иное')",
        "select sms.save_audience('everybody', 'select client_id, phone from erp.client where "
        "true')",
        "update sms.campaign set budget = 10000, channel = 'mass'",
        "update sms.template set template = 'other' where template = 'offer'",
    ],
)
async def test_a_change_while_it_runs_waits_for_another_release(
    office: Office, change: LiteralString
) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await launched(office, anna, boris)

    await anna.execute(change)

    run = await office.run()
    assert run["state"] == "paused"
    assert run["problem"].startswith("awaits a release")
    await office.stage.feed()
    assert await office.stage.send() == 0, "what was queued is held"
    assert (await office.run())["queued"] == 10
    [message_id] = await factory.column(office.conn, "select id from sms.pending limit 1")
    told = await factory.column(office.conn, "select detail from sms.explain(%s)", message_id)
    assert any("awaits a release" in (detail or "") for detail in told)
    assert await refused(anna, RESUME) == "SM044"
    assert await refused(boris, RESUME) == "SM044"
    assert await refused(anna, RELEASE) == "SM045"


async def test_the_next_release_lets_the_run_go_on_with_the_new_budget(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await launched(office, anna, boris)
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    await boris.execute(RELEASE)
    run = await office.run()
    assert (run["state"], run["problem"]) == ("running", None)
    await office.stage.finish()
    assert (await office.run())["cost"] == 30


async def test_a_pause_by_a_person_outlasts_the_release(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await launched(office, anna, boris)
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    await anna.execute("select sms.pause_campaign('spring')")
    await boris.execute(RELEASE)
    assert (await office.run())["state"] == "paused"
    await anna.execute(RESUME)
    assert (await office.run())["state"] == "running"


async def test_a_change_during_a_pause_waits_too(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await launched(office, anna, boris)
    await anna.execute("select sms.pause_campaign('spring')")
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    assert await refused(anna, RESUME) == "SM044"
    await boris.execute(RELEASE)
    await anna.execute(RESUME)


async def test_a_change_that_is_not_committed_yet_feeds_nothing(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await launched(office, anna, boris)
    await anna.execute("begin")
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    await office.stage.feed()  # waits for nobody
    await anna.execute("commit")
    await office.stage.feed()
    assert (await office.run())["queued"] == 10
    assert (await office.run())["state"] == "paused"


async def test_what_is_changed_and_changed_back_during_a_launch_is_noticed(
    office: Office, dsn: str
) -> None:
    anna, again, boris = await operators(office, "anna", "anna", "boris")
    await anna.execute(CREATE)
    await boris.execute(RELEASE)
    old = await value(office.conn, "select query from sms.audience")
    async with await AsyncConnection.connect(dsn) as brake:
        await brake.execute("lock table sms.run_recipient in access exclusive mode")
        launch = asyncio.create_task(anna.execute(LAUNCH))
        while not await value(  # noqa: ASYNC110 - another session cannot set an event
            office.conn, "select exists (select from pg_locks where not granted)"
        ):
            await asyncio.sleep(0.02)
        for query in ("select 1 as client_id, '79070000001' as phone", old):
            await again.execute("select sms.save_audience('everybody', %s)", [query])
        await brake.rollback()
    with pytest.raises(psycopg.Error) as caught:
        await launch
    assert caught.value.sqlstate == "SM044"
    assert await value(office.conn, "select count(*) from sms.run_recipient") == 0


async def test_a_planned_run_waits_as_well(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await anna.execute(CREATE)
    await anna.execute(
        "select sms.save_campaign('spring', p_start_at => now() + interval '1 hour')"
    )
    await boris.execute(RELEASE)
    await anna.execute(LAUNCH)
    await anna.execute("select sms.save_campaign('spring', p_holdout_percent => 7)")
    state: LiteralString = "select state from sms.campaign_run"
    assert await value(office.conn, state) == "paused"
    await boris.execute(RELEASE)
    assert await value(office.conn, state) == "planned"


async def test_a_waiver_is_nobodys_who_wrote_and_comes_alone(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await anna.execute(CREATE)
    waive: LiteralString = "select sms.save_campaign('spring', p_needs_release => false)"
    with_more: LiteralString = "update sms.campaign set needs_release = false, budget = 1000000"
    assert await refused(anna, waive) == "SM045"
    assert await refused(boris, with_more) == "SM045"
    await boris.execute("select sms.save_campaign('spring', p_budget => 5)")
    await anna.execute("select sms.save_campaign('spring', p_budget => 6)")
    assert await refused(boris, waive) == "SM045"
    assert await value(office.conn, "select needs_release from sms.campaign")


async def test_a_channel_demands_it_of_every_campaign(office: Office) -> None:
    anna, boris = await operators(office, "anna", "boris")
    await boris.execute("update sms.channel set needs_release = true where channel = 'planned'")
    await anna.execute("select sms.save_campaign('spring', 'offer', 'everybody')")

    assert await refused(anna, LAUNCH) == "SM044"
    assert await refused(anna, RELEASE) == "SM045"
    erp = await office.people.connect("erp", "sms_erp")
    assert await refused(erp, LAUNCH) == "SM044"
    off: LiteralString = "update sms.channel set needs_release = false"
    assert await refused(anna, off) == "SM045"
    assert await refused(boris, off) == "SM045"
    await anna.execute(
        "insert into sms.channel (channel, title, category, priority, validity)"
        " values ('mine', 'm', 'service', 3, '1 day')"
    )
    await anna.execute("select sms.save_campaign('spring', p_channel => 'mine')")
    assert await refused(anna, LAUNCH) == "SM044"

    await boris.execute(RELEASE)
    await anna.execute(LAUNCH)
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    assert (await office.run())["state"] == "paused"


async def test_the_commands_say_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(who: str, *words: str) -> str:
        monkeypatch.setenv("OUTBOX_DSN", office.people.dsn(who))
        await asyncio.to_thread(program.run, ["campaign", *words])
        out, err = capsys.readouterr()
        return " ".join((out + err).split())

    await operators(office, "anna", "boris")
    made = ("create", "spring", "--template", "offer", "--audience", "everybody", "--four-eyes")
    assert await said("anna", *made) == "spring: created"
    assert "four eyes not released" in await said("anna", "show", "spring")
    assert await said("boris", "release", "spring") == "spring: released"
    assert "30 recipients" in await said("anna", "launch", "spring")

    changed = await said("anna", "create", "spring", "--budget", "10000")

    assert changed == "spring: changed; its run waits for a release"
    shown = await said("anna", "show", "spring")
    assert f"changed since {office.people.name('boris')} released it" in shown
    assert "awaits a release" in shown
    assert "needs a release" in await said("anna", "resume", "spring")
    assert "somebody else must release it" in await said("anna", "release", "spring")
    assert await said("boris", "release", "spring") == "spring: released"
    assert "running" in await said("boris", "show", "spring")


async def test_without_a_demand_nothing_waits(office: Office) -> None:
    [anna] = await operators(office, "anna")
    await anna.execute("select sms.save_campaign('spring', 'offer', 'everybody', p_budget => 5)")
    await anna.execute(LAUNCH)
    await office.stage.feed()
    await anna.execute("select sms.save_campaign('spring', p_budget => 10000)")
    await office.stage.finish()
    assert (await office.run())["cost"] == 30
