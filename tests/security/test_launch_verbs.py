"""Runs belong to who launched them: the halves of a launch are the worker's, or one's own."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.factory import value
from tests.support.logins import Logins

VERBS = ("begin_run(bigint)", "freeze_run(bigint)", "fail_run(bigint, text)")


@pytest.fixture
async def stage(conn: AsyncConnection) -> Stage:
    """A campaign of three people that may be launched."""
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    await factory.add_template(conn, "offer", "Здравствуйте!")
    stage = Stage(conn)
    await stage.audience("everybody", "select client_id, phone from erp.client")
    await stage.clients(3)
    await stage.save()
    return stage


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "role", ["sms_erp", "sms_operator", "sms_analyst", "sms_monitor", "sms_dlr"]
)
async def test_internal_verbs_are_the_workers(conn: AsyncConnection, verb: str, role: str) -> None:
    query = "select has_function_privilege(%s, %s, 'execute')"
    assert not await value(conn, query, role, f"sms.{verb}")


@pytest.mark.parametrize("role", ["sms_erp", "sms_operator"])
async def test_nobody_ends_or_finishes_a_launch_of_others(
    stage: Stage, people: Logins, role: str
) -> None:
    anna = await people.connect("anna", "sms_operator")
    eve = await people.connect("eve", role)
    run_id = await value(anna, "select sms.begin_launch((select campaign_id from sms.campaign))")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await eve.execute("select sms.fail_run(%s, 'gone')", [run_id])
    assert await value(eve, "select sms.give_up_launch(%s, 'gone')", run_id) is False
    with pytest.raises(psycopg.Error) as caught:
        await eve.execute("select sms.finish_launch(%s)", [run_id])
    assert caught.value.sqlstate == "SM043"

    assert await value(stage.conn, "select state from sms.campaign_run") == "freezing"
    assert await value(anna, "select sms.finish_launch(%s)", run_id) == 3
    assert await value(anna, "select sms.give_up_launch(%s, 'late')", run_id) is False
    assert (await stage.progress())["state"] == "running"


async def test_the_erp_launches_and_steers(stage: Stage, people: Logins) -> None:
    erp = await people.connect("erp", "sms_erp")
    for verb in ("launch", "pause", "resume", "stop"):
        await erp.execute(f"select sms.{verb}_campaign('spring')")
    assert (await stage.progress())["state"] == "stopped"


async def test_a_launch_of_ones_own_is_given_up_with_its_reason(
    stage: Stage, people: Logins
) -> None:
    anna = await people.connect("anna", "sms_operator")
    run_id = await value(anna, "select sms.begin_launch((select campaign_id from sms.campaign))")
    assert await value(anna, "select sms.give_up_launch(%s, 'the audience is broken')", run_id)
    assert (
        await value(stage.conn, "select problem from sms.campaign_run") == "the audience is broken"
    )
