"""A second ERP: a login confined to its channels sees, inserts and takes back nothing else."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support import factory
from tests.support.factory import column, value
from tests.support.logins import Logins

CODE: LiteralString = (
    "insert into sms.outbox (channel, phone, body, erp_ref)"
    " values ('otp', '79070000001', 'Код 1234', 'code 1') returning id"
)
NEWS: LiteralString = (
    "insert into sms.outbox (channel, phone, body, erp_ref)"
    " values ('mass', '79070000002', 'Новости', 'news 1') returning id"
)


class House:
    """The bank's own system, which sees all, and a shop's, which is confined to `mass`."""

    def __init__(
        self, owner: AsyncConnection, bank: AsyncConnection, shop: AsyncConnection
    ) -> None:
        self.owner, self.bank, self.shop = owner, bank, shop
        self.code = self.news = 0


@pytest.fixture
async def house(conn: AsyncConnection, people: Logins) -> House:
    """A message of each."""
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    made = House(
        conn, await people.connect("bank", "sms_erp"), await people.connect("shop", "sms_erp")
    )
    await conn.execute("select sms.confine_login(%s, '{mass}')", [people.name("shop")])
    made.code = await value(made.bank, CODE)
    made.news = await value(made.shop, NEWS)
    return made


async def test_each_sees_its_own(house: House) -> None:
    for window in ("outbox", "message"):
        query: LiteralString = (
            "select id from sms.outbox" if window == "outbox" else "select id from sms.message"
        )
        assert set(await column(house.shop, query)) == {house.news}
        assert set(await column(house.bank, query)) == {house.code, house.news}


@pytest.mark.parametrize("stage", ["pending", "inflight", "outcome"])
async def test_wherever_a_message_is(house: House, stage: str) -> None:
    if stage != "pending":
        claimed = await factory.claim(house.owner, as_of=None)
        if stage == "outcome":
            await factory.mark(house.owner, claimed.claim_id, claimed.ids)
            await factory.settle(house.owner, claimed.claim_id, claimed.ids, "accepted")
    assert await column(house.shop, "select msisdn from sms.message") == [79070000002]


async def test_a_leaky_condition_leaks_nothing(house: House) -> None:
    await house.shop.execute(
        "create function pg_temp.look(x bigint) returns boolean language plpgsql cost 0.0001"
        " as $$ begin raise notice '%', x; return true; end $$"
    )
    seen: list[str] = []
    house.shop.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
    await house.shop.execute("select count(*) from sms.message where pg_temp.look(msisdn)")
    assert seen == ["79070000002"]


async def test_it_takes_back_and_asks_about_its_own(house: House) -> None:
    for others in ("select sms.cancel(%s::bigint)", "select sms.cancel(array[%s::bigint])"):
        assert await value(house.shop, others, house.code) == 0
    assert await value(house.shop, "select sms.cancel('code 1'::text)") == 0
    assert await column(house.shop, "select id from sms.judge(array[%s::bigint])", house.code) == []
    with pytest.raises(psycopg.Error) as caught:
        await house.shop.execute("select * from sms.explain(%s)", [house.code])
    assert caught.value.sqlstate == "SM008"
    assert await factory.states(house.owner, house.code) == ["pending"]

    assert await column(house.shop, "select id from sms.judge(array[%s::bigint])", house.news) == [
        house.news
    ]
    assert await column(house.shop, "select topic from sms.explain(%s)", house.news)
    assert await value(house.shop, "select sms.cancel(%s::bigint)", house.news) == 1
    assert await value(house.bank, "select sms.cancel(%s::bigint)", house.code) == 1


async def test_it_inserts_into_its_own_only(house: House) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await house.shop.execute(CODE)
    assert await value(house.owner, "select count(*) from sms.outbox") == 2


async def test_replies_and_others_campaigns_are_not_shown(house: House) -> None:
    await house.owner.execute(
        "insert into sms.inbound (provider_id, sender, body) select provider_id, '79070000001', "
        "'стоп' from sms.provider"
    )
    await house.owner.execute("insert into sms.campaign (campaign) values ('spring')")
    assert await value(house.shop, "select count(*) from sms.inbound") == 0
    assert await value(house.bank, "select count(*) from sms.inbound") == 1
    assert await value(house.shop, "select count(*) from sms.campaign") == 0
    with pytest.raises(psycopg.Error) as caught:
        await house.shop.execute("select sms.launch_campaign('spring')")
    assert caught.value.sqlstate == "SM040"


async def test_clicks_are_those_of_its_messages(house: House) -> None:
    for message_id in (house.code, house.news):
        await house.owner.execute(
            "insert into sms.click (message_id, link_no, is_robot) values (%s, 1, false)",
            [message_id],
        )
    query: LiteralString = "select message_id from sms.link_click"
    assert await column(house.shop, query) == [house.news]
    assert set(await column(house.bank, query)) == {house.code, house.news}


async def test_events_are_those_of_its_channels(house: House) -> None:
    await factory.add_template(house.owner, "hello", "Здравствуйте!")
    for kind, channel in (("paid", "otp"), ("bought", "mass")):
        await house.owner.execute("select sms.set_event_type(%s, '', '{}')", [kind])
        await house.owner.execute(
            "select sms.set_event_rule(%s, jsonb_build_object('event_type', %s::text, 'template', "
            "'hello', 'channel', %s::text))",
            [kind, kind, channel],
        )
    with pytest.raises(psycopg.Error) as caught:
        await house.shop.execute("select * from sms.fire_event('paid', 7, '{}')")
    assert caught.value.sqlstate == "SM050"
    paid = await value(house.bank, "select event_id from sms.fire_event('paid', 7, '{}')")
    bought = await value(house.shop, "select event_id from sms.fire_event('bought', 7, '{}')")

    assert await column(house.shop, "select event_id from sms.event") == [bought]
    assert set(await column(house.shop, "select event_id from sms.event_message")) <= {bought}
    with pytest.raises(psycopg.Error) as caught:
        await house.shop.execute("select * from sms.explain_event(%s)", [paid])
    assert caught.value.sqlstate == "SM054"
    assert await column(house.shop, "select topic from sms.explain_event(%s)", bought)


async def test_the_worker_is_not_confined_and_nobody_frees_himself(
    house: House, people: Logins
) -> None:
    for role in ("sms_erp", "sms_operator", "sms_analyst", "sms_worker"):
        who = await people.connect("who_" + role, role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await who.execute("select sms.confine_login(%s, null)", [people.name("shop")])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await who.execute("delete from sms.login_channel")
    worker = await people.connect("worker", "sms_worker")
    [provider] = await column(house.owner, "select provider from sms.provider")
    found = await column(worker, "select unnest(ids) from sms.claim_batch(%s, 'w', 100)", provider)
    assert set(found) >= {house.code, house.news}


async def test_freed_it_is_as_before_and_nothing_is_asked(house: House, people: Logins) -> None:
    await house.owner.execute("select sms.confine_login(%s, null)", [people.name("shop")])
    assert len(await column(house.shop, "select id from sms.message")) == 2
    assert not await value(
        house.owner,
        "select bool_or(relrowsecurity) from pg_class where relnamespace = 'sms'::regnamespace",
    )
