"""switch_channel, complete_lanes, announce_config, set_provider, list_providers: who serves."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tests.support.factory import (
    Row,
    claim,
    insert,
    insert_many,
    insert_outbox,
    make_provider,
    message,
    number,
    row,
    rows,
    value,
)


async def switch(db: AsyncConnection, *arguments: str | None) -> int:
    """Point lanes: how many changed."""
    marks = {2: "select sms.switch_channel(%s, %s)", 3: "select sms.switch_channel(%s, %s, %s)"}
    return int(await value(db, marks[len(arguments)], *arguments))


async def served(db: AsyncConnection) -> dict[tuple[str, str], str | None]:
    """Which provider serves each lane."""
    return {
        (lane["channel"], lane["operator"]): lane["provider"]
        for lane in await rows(db, "select channel, operator, provider from sms.lane_status")
    }


async def test_queued_messages_follow_at_once(db: AsyncConnection) -> None:
    await make_provider(db, "backup", point_lanes=False)
    message_id = await insert_outbox(db)

    assert await switch(db, "single", "backup") == 5

    assert (await message(db, message_id))["provider"] == "backup"
    assert (await claim(db)).judged == 0
    assert (await claim(db, provider="backup")).ids == [message_id]


async def test_other_channels_stay_where_they_are(db: AsyncConnection) -> None:
    await make_provider(db, "backup", point_lanes=False)
    await switch(db, "single", "backup")

    assert {
        provider for (channel, _), provider in (await served(db)).items() if channel != "single"
    } == {"post"}


async def test_a_star_means_every_channel(db: AsyncConnection) -> None:
    await make_provider(db, "backup", point_lanes=False)

    assert await switch(db, "*", "backup") == 30
    assert set((await served(db)).values()) == {"backup"}


async def test_one_operators_lane_may_be_switched_alone(db: AsyncConnection) -> None:
    await make_provider(db, "cheap", point_lanes=False)

    assert await switch(db, "mass", "cheap", "mts") == 1
    lanes = await served(db)
    assert lanes.pop(("mass", "mts")) == "cheap"
    assert set(lanes.values()) == {"post"}


async def test_switching_to_where_it_is_changes_nothing(db: AsyncConnection) -> None:
    assert await switch(db, "*", "post") == 0


async def test_no_provider_parks_a_channel(db: AsyncConnection) -> None:
    await insert_outbox(db)

    assert await switch(db, "single", None) == 5
    assert (await claim(db)).judged == 0
    assert await switch(db, "single", "post") == 5
    assert (await claim(db)).judged == 1


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("singel", "post"), "SM001", "Channels: collection, mass, otp, planned, reply, single."),
        ((None, "post"), "SM001", "Channels: collection, mass, otp, planned, reply, single."),
        (("single", "pots"), "SM006", "Providers: post."),
        (("single", "post", "mst"), "SM009", "Operators: beeline, megafon, mts, other, t2."),
    ],
)
async def test_a_wrong_name_is_an_error_that_lists_the_right_ones(
    db: AsyncConnection, arguments: tuple[str, ...], code: str, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await switch(db, *arguments)

    assert refused.value.sqlstate == code
    assert refused.value.diag.message_hint == hint


async def test_a_new_channel_gets_parked_lanes(db: AsyncConnection) -> None:
    await insert(db, "channel", channel="news", title="News", category="service", priority=3)

    lanes = await served(db)

    assert {lanes["news", operator] for operator in ("mts", "t2", "other")} == {None}
    message_id = await insert_outbox(db, channel="news")
    assert (await claim(db)).judged == 0
    await switch(db, "news", "post")
    assert (await claim(db)).ids == [message_id]


async def test_a_new_operator_starts_like_the_others(db: AsyncConnection) -> None:
    await make_provider(db, "cheap", point_lanes=False)
    await switch(db, "mass", "cheap", "other")
    await insert(db, "operator", operator_id=9, operator="yota", title="Yota")

    lanes = await served(db)

    assert (lanes["mass", "yota"], lanes["single", "yota"]) == ("cheap", "post")


async def test_workers_hear_of_changes_in_lanes_and_providers(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn, autocommit=True) as worker,
    ):
        await worker.execute("listen sms_config")

        async def rings(expected: int = 0) -> int:
            heard = 0
            if expected:
                async for _ in worker.notifies(timeout=10, stop_after=expected):
                    heard += 1
            async for _ in worker.notifies(timeout=0.15):
                heard += 1
            return heard

        await make_provider(owner, point_lanes=False)
        assert await rings(1) == 1
        await switch(owner, "*", "post")
        assert await rings(1) == 1
        await owner.execute("update sms.provider set tps = 5")
        assert await rings(1) == 1
        await insert_outbox(owner)
        await claim(owner)
        assert await rings() == 0


async def set_provider(db: AsyncConnection, provider: str, **changes: Any) -> str:
    """Create or change an account: created, changed or unchanged."""
    names = ("adapter", "settings", "secret_env", "tps", "max_batch", "is_enabled")
    given = [changes.get(name) for name in names]
    given[1] = Jsonb(given[1]) if given[1] is not None else None
    answer = await value(
        db, "select sms.set_provider(%s, %s, %s, %s, %s, %s, %s)", provider, *given
    )
    return str(answer)


async def listed(db: AsyncConnection, provider: str) -> Row:
    """One account as it is listed."""
    return await row(db, "select * from sms.list_providers() where provider = %s", provider)


async def test_an_account_is_created_with_sensible_values(db: AsyncConnection) -> None:
    assert await set_provider(db, "gate", adapter="kannel", settings={"url": "x"}) == "created"

    assert await listed(db, "gate") == {
        "provider": "gate",
        "adapter": "kannel",
        "settings": {"url": "x"},
        "secret_env": None,
        "tps": 30,
        "max_batch": 500,
        "is_enabled": True,
        "lanes": 0,
        "probed_lanes": 0,
        "breaker": "closed",
        "epoch": 0,
        "slow_answer": timedelta(seconds=5),
        "has_backup": False,
    }


async def test_what_is_not_given_stays_and_settings_are_merged(db: AsyncConnection) -> None:
    await set_provider(
        db,
        "gate",
        adapter="kannel",
        settings={"parallel": 1, "smsc": "b"},
        secret_env="OUTBOX_SECRET_KEY",
    )

    assert (
        await set_provider(db, "gate", tps=7, settings={"smsc": None, "timeout_s": 3}) == "changed"
    )

    seen = await listed(db, "gate")
    assert seen["settings"] == {"parallel": 1, "timeout_s": 3}
    assert (seen["adapter"], seen["secret_env"], seen["tps"]) == ("kannel", "OUTBOX_SECRET_KEY", 7)


async def test_changing_nothing_says_so(db: AsyncConnection) -> None:
    await set_provider(db, "gate", adapter="kannel", settings={"parallel": 1}, tps=7)

    assert await set_provider(db, "gate", settings={"parallel": 1}, tps=7) == "unchanged"
    assert await set_provider(db, "gate") == "unchanged"
    assert await set_provider(db, "gate", is_enabled=False) == "changed"


async def test_an_unknown_account_without_adapter_is_an_error(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await set_provider(db, "gate", tps=7)

    assert refused.value.sqlstate == "SM006"


async def test_accounts_are_listed_with_the_lanes_they_serve(db: AsyncConnection) -> None:
    await make_provider(db, "cheap", point_lanes=False)
    await switch(db, "mass", "cheap")

    assert {
        seen["provider"]: seen["lanes"]
        for seen in await rows(db, "select * from sms.list_providers()")
    } == {"post": 25, "cheap": 5}


async def test_a_switch_does_not_wait_for_a_running_claim(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as worker,
    ):
        await make_provider(owner)
        await make_provider(owner, "backup", point_lanes=False)
        held, left = await insert_many(owner, [{"phone": str(number(n))} for n in (1, 2)])
        assert (await claim(worker, limit=1)).ids == [held]

        async with asyncio.timeout(20):
            await switch(owner, "*", "backup")
            assert (await claim(owner, provider="backup")).ids == [left]
