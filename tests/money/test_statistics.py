"""Sums by the hour and the day equal a recount, whatever happened and whoever was killed."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.money.recount import differences, told_by_messages, told_by_sums
from tests.support import factory
from tests.support.factory import (
    PROVIDER,
    add_range,
    claim,
    hear,
    insert,
    make_provider,
    number,
    row,
    rows,
    set_caps,
    set_quiet_hours,
    settle,
    value,
)


async def codes(conn: AsyncConnection) -> list[str]:
    """The codes of the fake adapter that move a message."""
    return await factory.column(
        conn,
        "select code from sms.receipt_code"
        " where adapter = 'fake' and state is not null order by code",
    )


async def ask(conn: AsyncConnection, dice: random.Random, count: int) -> list[int]:
    """Messages of the last three days, a few of them unusable; ids drawn at those moments."""
    now = datetime.now(UTC)
    asked = []
    for n in range(count):
        moment = now - timedelta(seconds=dice.randrange(3 * 86_400))
        phone = str(number(dice.randrange(40))) if dice.random() > 0.05 else "no phone"
        answer = await conn.execute(
            """
            insert into sms.outbox (id, channel, phone, body, campaign_id)
            values (sms.id_at(%s) + %s, %s, %s, %s, %s) returning id
            """,
            [
                moment,
                n,
                dice.choice(["single", "mass", "planned"]),
                phone,
                "text " * dice.randrange(1, 40),
                dice.choice([None, None, 5]),
            ],
        )
        asked += [found[0] for found in await answer.fetchall()]
    return asked


async def live(conn: AsyncConnection, dice: random.Random, asked: list[int]) -> None:
    """One thing that happens to messages."""
    known = await codes(conn)
    match dice.randrange(4):
        case 0 | 1:
            claimed = await claim(conn, limit=dice.randrange(1, 30), as_of=datetime.now(UTC))
            if claimed.ids:
                await factory.mark(conn, claimed.claim_id, claimed.ids)
                results = [
                    dice.choice(["accepted", "accepted", "rejected", "retry", "uncertain"])
                    for _ in claimed.ids
                ]
                await conn.execute(
                    "select sms.settle(%s, %s, %s, %s::smallint[], %s::text[], %s::int[])",
                    [
                        claimed.claim_id,
                        claimed.ids,
                        results,
                        [dice.randrange(1, 4) for _ in results],
                        [None] * len(results),
                        [0] * len(results),
                    ],
                )
        case 2:
            await hear(conn, *((i, None, dice.choice(known)) for i in dice.sample(asked, 10)))
        case _:
            await conn.execute("select sms.cancel(%s::bigint[])", [dice.sample(asked, 3)])


@pytest.mark.parametrize("seed", range(6))
async def test_the_sums_equal_a_recount_after_any_history(db: AsyncConnection, seed: int) -> None:
    dice = random.Random(seed)
    await add_range(db, number(0), number(20), operator="mts")
    for operator, price in (("mts", "2.35"), ("other", "3.10")):
        await db.execute(
            """
            insert into sms.tariff (provider_id, operator_id, price)
            select p.provider_id, o.operator_id, %s
              from sms.provider as p, sms.operator as o where p.provider = %s and o.operator = %s
            """,
            [price, PROVIDER, operator],
        )
    asked = await ask(db, dice, 150)
    for _ in range(40):
        await live(db, dice, asked)
        if dice.random() < 0.2:
            await db.execute("select sms.roll_up_statistics(5)")
    while await value(db, "select sms.roll_up_statistics(5)"):
        pass

    for by_day in (False, True):
        counted = await told_by_messages(db, by_day=by_day)
        assert counted
        assert differences(counted, await told_by_sums(db, by_day=by_day)) == []
    by_region = await row(
        db, "select sum(messages) as messages, sum(cost) as cost from sms.stat_region_day"
    )
    by_day_sum = await row(
        db, "select sum(messages) as messages, sum(cost) as cost from sms.stat_day"
    )
    assert by_region == by_day_sum


async def test_a_receipt_of_an_old_message_counts_its_day_again(db: AsyncConnection) -> None:
    """Hours that are no longer kept are made from the messages once more."""
    await db.execute("update sms.setting set value = '1' where setting = 'statistics_hours_months'")
    await db.execute(
        "select sms.create_partition(t, now() - interval '70 days') from unnest(%s::text[]) as t",
        [["outbox", "outcome", "receipt", "provider_ref"]],
    )
    old = datetime.now(UTC) - timedelta(days=70)
    message_id = await value(
        db,
        "insert into sms.outbox (id, phone, body, not_before, expires_at)"
        " values (sms.id_at(%s), %s, 'x', %s, %s) returning id",
        old,
        str(number(1)),
        old,
        datetime.now(UTC) + timedelta(hours=1),
    )
    claimed = await claim(db, as_of=datetime.now(UTC))
    assert claimed.ids == [message_id]
    await settle(db, claimed.claim_id, [message_id], segments=1)
    await db.execute("select sms.roll_up_statistics()")
    assert await value(db, "select count(*) from sms.stat_hour") == 0
    before = await row(db, "select day, state, messages from sms.stat_day")
    assert (before["state"], before["messages"]) == ("accepted", 1)

    delivered = await value(
        db,
        "select code from sms.receipt_code where adapter = 'fake' and state = 'delivered' limit 1",
    )
    await hear(db, (message_id, None, delivered))
    await db.execute("select sms.roll_up_statistics()")

    assert [r["state"] for r in await rows(db, "select state from sms.stat_day")] == ["delivered"]


async def test_a_question_by_unknown_words_names_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error, match='cannot be asked by "weekday"') as refused:
        await db.execute("select * from sms.statistics('2026-01-01', '2026-02-01', '{weekday}')")
    assert "month, day, channel" in (refused.value.diag.message_hint or "")


async def test_statistics_sum_what_the_days_hold(db: AsyncConnection) -> None:
    dice = random.Random(7)
    asked = await ask(db, dice, 120)
    for _ in range(30):
        await live(db, dice, asked)
    while await value(db, "select sms.roll_up_statistics(5)"):
        pass
    left = await value(
        db, "select count(*) from sms.message where state not in ('pending', 'inflight')"
    )
    for by in (
        "{}",
        "{channel}",
        "{day,operator,state}",
        "{month,channel,provider,reason,campaign,template,category}",
    ):
        told = await rows(
            db,
            "select * from sms.statistics(current_date - 10, current_date + 2, %s::text[])",
            by,
        )
        assert sum(found["messages"] for found in told) == left
    [one] = await rows(
        db, "select * from sms.statistics(current_date - 10, current_date + 2, '{}')"
    )
    delivered = await rows(
        db, "select final_at - submitted_at as took from sms.message where state = 'delivered'"
    )
    assert one["delivered"] == len(delivered) > 0
    assert one["delivery_share"] == round(Decimal(one["delivered"]) / one["accepted"], 4)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
async def test_a_percentile_is_at_most_one_class_off(db: AsyncConnection, share: float) -> None:
    dice = random.Random(3)
    times = sorted(dice.lognormvariate(2, 1.5) for _ in range(3000))
    exact = times[min(int(share * len(times)), len(times) - 1)]
    told = await value(
        db,
        """
        select sms.delivery_percentile(sms.delivery_classes(
                   array_agg(sms.delivery_bucket(make_interval(secs => t))),
                   array_agg(1))::bigint[], %s)
          from unnest(%s::float8[]) as t
        """,
        share,
        times,
    )
    assert exact / 1.19 <= told.total_seconds() <= exact * 1.19 + 0.01


async def test_sums_are_right_after_kills(conn: AsyncConnection, dsn: str) -> None:
    """Counting and sending sessions are terminated at any moment; the next count is right."""
    await make_provider(conn)
    await set_quiet_hours(conn)
    await set_caps(conn)
    await conn.execute("update sms.channel set dedup_window = '0'")
    dice = random.Random(11)
    asked = await ask(conn, dice, 300)
    ends = asyncio.get_running_loop().time() + 6

    async def work(seed: int, *, counts: bool) -> int:
        own, done = random.Random(seed), 0
        while asyncio.get_running_loop().time() < ends:
            try:
                async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as session:
                    while asyncio.get_running_loop().time() < ends:
                        if counts:
                            await session.execute("select sms.roll_up_statistics(3)")
                        else:
                            await live(session, own, asked)
                        done += 1
                        await asyncio.sleep(0.005)
            except psycopg.OperationalError:
                pass  # killed: come back
        return done

    async def kill() -> int:
        killed = 0
        while asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0.06)
            killed += await value(
                conn,
                """
                select count(*) from (
                    select pg_terminate_backend(a.pid) from pg_stat_activity as a
                     where a.datname = current_database() and a.pid <> pg_backend_pid()
                       and a.backend_type = 'client backend' and a.state = 'active'
                     order by random() limit 1) as k
                """,
            )
        return killed

    *done, killed = await asyncio.gather(
        work(1, counts=False), work(2, counts=False), work(3, counts=True), kill()
    )
    assert min(done) > 0
    assert killed > 5
    while await value(conn, "select sms.roll_up_statistics(50)"):
        pass
    for by_day in (False, True):
        counted = await told_by_messages(conn, by_day=by_day)
        assert counted
        assert differences(counted, await told_by_sums(conn, by_day=by_day)) == []


async def test_the_day_is_the_companys_own(db: AsyncConnection) -> None:
    """Half past midnight in Moscow is still the day before in UTC."""
    moment = datetime.now(UTC).replace(hour=21, minute=30, second=0, microsecond=0) - timedelta(
        days=1
    )
    await insert(
        db, "outbox", id=await value(db, "select sms.id_at(%s)", moment), phone="bad", body="x"
    )
    await db.execute("select sms.roll_up_statistics()")
    assert await value(db, "select day from sms.stat_day") == (moment + timedelta(days=1)).date()


async def test_what_no_provider_took_is_no_traffic(db: AsyncConnection) -> None:
    for n, result in ((1, "accepted"), (2, "rejected")):
        await factory.insert_outbox(
            db,
            phone=str(number(n)),
            not_before=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(days=3),
        )
        claimed = await claim(db, as_of=datetime.now(UTC))
        await settle(db, claimed.claim_id, claimed.ids, result, segments=2)
    await db.execute("select sms.roll_up_statistics()")
    [told] = await rows(
        db,
        "select * from sms.statistics(current_date - 1, current_date + 2, '{provider}')",
    )
    assert (told["messages"], told["accepted"], told["segments"]) == (2, 1, 2)
    assert await value(db, "select sum(segments) from sms.month_volume") == 2
    assert await value(db, "select messages from sms.month_money") == 1


async def test_a_day_cut_by_retention_keeps_its_sums(db: AsyncConnection) -> None:
    """The first hours of a Moscow month lie in a UTC month that is gone already."""
    await db.execute("update sms.setting set value = '1' where setting = 'statistics_hours_months'")
    start = await value(db, "select min(month) from sms.partition_months('outbox')")
    await db.execute(
        "select sms.create_partition(t, %s - interval '70 days') from unnest(%s::text[]) as t",
        [start, ["outbox", "outcome"]],
    )
    cut = await value(db, "select min(month) from sms.partition_months('outbox')")
    await db.execute(
        """
        insert into sms.stat_day (day, channel_id, provider_id, operator_id, state, reason,
                                  campaign_id, template_id, messages, segments, cost)
        select (%s at time zone 'Europe/Moscow')::date, c.channel_id, 0, -1, 'cancelled', '', 0, 0,
               1000, 0, 0 from sms.channel as c where c.channel = 'single'
        """,
        [cut],
    )
    await db.execute(
        "insert into sms.stat_dirty (hour_no) values (sms.stat_hour_no(sms.id_at(%s)))", [cut]
    )
    await db.execute("select sms.roll_up_statistics()")
    assert await value(db, "select messages from sms.stat_day") == 1000


async def test_months_that_are_over_answer_as_their_days_do(db: AsyncConnection) -> None:
    """Whatever is asked, and also once a late receipt has changed one of them."""
    await db.execute(
        """
        insert into sms.stat_day (day, channel_id, provider_id, operator_id, state, reason,
                                  campaign_id, template_id, messages, segments, cost, delivery)
        select date '2026-01-20' + n, c.channel_id, p.provider_id, o.operator_id, s.state, '', 0, 0,
               10 + n, 20, 2.5 * n,
               case when s.state = 'delivered' then array[0, 3, 0, 0, 4, 0, 0, 0, 0, 3 + n] end
          from generate_series(0, 99) as n, sms.channel as c, sms.provider as p, sms.operator as o,
               unnest(array['delivered', 'undelivered']) as s (state)
        """
    )
    questions = [
        (start, until, by)
        for start, until in (
            ("2026-01-01", "2027-01-01"),
            ("2026-02-10", "2026-04-02"),
            ("-infinity", "infinity"),
        )
        for by in ("{}", "{channel}", "{month,provider,operator}", "{day,state}", "{category}")
    ]

    async def answers() -> list[object]:
        return [
            await rows(db, "select * from sms.statistics(%s::date, %s::date, %s)", *question)
            for question in questions
        ]

    by_days = await answers()
    assert all(by_days)
    for month in ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"):
        await db.execute("select sms.count_volume(%s::date)", [month])
    later = datetime(2026, 4, 29, tzinfo=UTC)
    await db.execute("update sms.month_volume set counted_at = %s", [later - timedelta(hours=2)])
    for _ in range(5):  # one a call; April is not over
        await db.execute("select sms.roll_up_statistics(1, %s)", [later])
    months = await factory.column(db, "select distinct month::text from sms.stat_month order by 1")
    assert months == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert await answers() == by_days

    await db.execute(
        """
        insert into sms.stat_dirty (hour_no) values (sms.stat_hour_no(sms.id_at('2026-03-05')))
        """
    )
    await db.execute("select sms.roll_up_statistics(1, %s)", [later])
    months = await factory.column(db, "select distinct month::text from sms.stat_month order by 1")
    assert months == ["2026-01-01", "2026-02-01"]
    assert await answers() == by_days


@pytest.mark.parametrize(
    ("setting", "nonsense"), [("statistics_zone", "Mars/Base"), ("statistics_hours_months", "few")]
)
async def test_a_setting_that_would_stop_the_counting_is_refused(
    db: AsyncConnection, setting: str, nonsense: str
) -> None:
    with pytest.raises(psycopg.Error, match="zone"):
        await db.execute(
            "update sms.setting set value = %s where setting = %s", [nonsense, setting]
        )
