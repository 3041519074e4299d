"""Polling: accepted messages whose callback never came are asked about, and nobody else pays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from psycopg import AsyncConnection

from outbox.calls import asking
from outbox.rows_asking import Question
from tests.chaos.books import fill, open_provider, until
from tests.support.clock import HOUR
from tests.support.factory import (
    PROVIDER,
    column,
    hear,
    insert,
    make_provider,
    settle,
    states,
    value,
)
from tests.support.outbox_process import Programs
from tests.uncertain.asking import MINUTE, NOTHING, Asker, handed_over, one_doubt, waiting

DAY_AND_SOME = 26 * HOUR


async def accepted(db: AsyncConnection, count: int, *, age: timedelta = NOTHING) -> list[int]:
    """Messages accepted so long ago, under names n1, n2, …"""
    ids = await waiting(db, count)
    claim_id = await handed_over(db, *ids, keys=[f"n{n}" for n in range(1, count + 1)])
    await settle(db, claim_id, ids)
    await db.execute(
        "update sms.outcome set decided_at = decided_at - %s, submitted_at = submitted_at - %s",
        [age, age],
    )
    return ids


async def collect(db: AsyncConnection, *, after: timedelta = 10 * MINUTE) -> list[int]:
    """Look through all there is; which messages are overdue."""
    while await asking.collect_overdue(db, provider=PROVIDER, after=after, until=DAY_AND_SOME):
        pass
    return await column(db, "select id from sms.overdue order by id")


async def take(
    db: AsyncConnection, *, limit: int = 100, every: timedelta = NOTHING
) -> list[Question]:
    return await asking.take_overdue(
        db,
        provider=PROVIDER,
        limit=limit,
        every=every,
        hold=NOTHING,
        until=DAY_AND_SOME,
        pauses=[MINUTE, 2 * MINUTE],
    )


async def test_only_accepted_messages_of_some_age_are_overdue(db: AsyncConnection) -> None:
    old = await accepted(db, 2, age=20 * MINUTE)
    await hear(db, (old[1], None, "delivered"))
    ids = await waiting(db, 1, body="young")
    await settle(db, await handed_over(db, *ids, keys=None), ids)

    assert await collect(db) == [old[0]]


async def test_what_is_too_old_is_left_alone(db: AsyncConnection) -> None:
    await accepted(db, 1, age=27 * HOUR)

    assert await collect(db) == []


async def test_a_message_becomes_overdue_in_time(db: AsyncConnection) -> None:
    [id_] = await accepted(db, 1, age=5 * MINUTE)
    assert await collect(db) == []
    # ten minutes pass
    await db.execute(
        "update sms.outcome set decided_at = decided_at - interval '10 minutes';"
        "update sms.provider_asking set collected_until = collected_until - interval '10 minutes'"
    )

    assert await collect(db) == [id_]


async def test_messages_of_others_are_not_looked_at(db: AsyncConnection) -> None:
    await accepted(db, 1, age=HOUR)
    other = await insert(db, "provider", provider="other", adapter="fake")
    await db.execute("update sms.outcome set provider_id = %s", [other])

    assert await collect(db) == []


async def test_a_question_names_the_message_its_number_and_its_name(db: AsyncConnection) -> None:
    ids = await accepted(db, 2, age=HOUR)
    await collect(db)

    questions = await take(db)

    assert sorted((question.id, question.ref) for question in questions) == [
        (ids[0], "n1"),
        (ids[1], "n2"),
    ]
    assert all(question.msisdn > 79_000_000_000 for question in questions)


async def test_questions_repeat_at_longer_pauses_until_the_receipt_is_there(
    db: AsyncConnection,
) -> None:
    [id_] = await accepted(db, 1, age=HOUR)
    await collect(db)
    for pause in (MINUTE, 2 * MINUTE, 2 * MINUTE):
        assert len(await take(db)) == 1
        assert await take(db) == []
        await db.execute("update sms.overdue set next_poll_at = next_poll_at - %s", [pause])
    await hear(db, (None, "n1", "delivered"))

    assert await take(db) == []
    assert await states(db, id_) == ["delivered"]
    assert await value(db, "select count(*) from sms.overdue") == 0


async def test_nobody_is_asked_about_for_ever(db: AsyncConnection) -> None:
    await accepted(db, 1, age=20 * HOUR)
    await collect(db)
    await db.execute("update sms.outcome set submitted_at = submitted_at - interval '7 hours'")

    assert await take(db) == []
    assert await value(db, "select count(*) from sms.overdue") == 0


async def test_look_ups_and_polls_share_one_pace(db: AsyncConnection) -> None:
    await accepted(db, 1, age=HOUR)
    await collect(db)
    await one_doubt(db, body="doubt")
    assert len(await Asker(db=db, every=MINUTE).take()) == 1

    assert await take(db, every=MINUTE) == []
    assert len(await take(db)) == 1


async def test_a_doubt_that_was_found_is_polled_where_the_provider_is(db: AsyncConnection) -> None:
    id_ = await one_doubt(db, "name")
    await collect(db)  # from now on it is
    await Asker(db=db).ask(id_, "present")

    assert [(question.id, question.ref) for question in await take(db)] == [(id_, "name")]


async def test_a_doubt_that_was_found_is_not_polled_where_nobody_polls(
    db: AsyncConnection,
) -> None:
    await Asker(db=db).ask(await one_doubt(db), "present")

    assert await value(db, "select count(*) from sms.overdue") == 0


async def test_what_callbacks_missed_is_polled_by_the_worker(
    conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(
        conn, log, tps=500, answers_polls=True, names_messages=True, poll_after_ms=200,
        ask_every_ms=50, ask_batch=20, mute_rate=0.2, ask_again_ms=200, seed=1,
    )  # fmt: skip
    await fill(conn, 50)
    await programs.running("worker")
    await until(conn, "select count(*) = 50 from sms.message where state = 'delivered'")

    raws = await column(conn, "select distinct raw from sms.receipt")
    assert raws == ["polled"]


async def test_who_meets_another_collector_leaves_its_place_alone(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as other,
    ):
        await make_provider(owner)
        await accepted(owner, 1, age=HOUR)
        while await asking.collect_overdue(
            owner, provider=PROVIDER, after=MINUTE, until=DAY_AND_SOME
        ):
            pass
        place = await value(owner, "select collected_until from sms.provider_asking")
        await other.execute("select from sms.provider_asking for update")

        assert not await asking.collect_overdue(
            owner, provider=PROVIDER, after=NOTHING, until=DAY_AND_SOME
        )
        assert await value(owner, "select collected_until from sms.provider_asking") == place
